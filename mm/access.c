/* SPDX-License-Identifier: MIT */
/*
 * Reaching into an address space from outside.
 *
 * The kernel reads and writes a process's memory by the frame: find the page, take a reference,
 * use the direct map. Writing is where this goes wrong (B10, "Dirty COW"): a write to a private,
 * read-only mapping must first make the copy that a fault would make, and then write to that copy
 * and to nothing else. Between the two another thread may drop the copy (MADV_DONTNEED), and the
 * original comes back under the same address.
 *
 * So nothing is remembered from one look to the next. Each look, under the PTL, asks the page that
 * is there at that moment:
 *
 *	private mapping: may I write to it?	yes if it is anonymous and exclusive
 *	shared mapping:				yes if the PTE is writable
 *
 * and otherwise the fault handler is called, as often as it takes. mmap_lock stays held from the
 * look until the bytes are copied: no fork can make the page shared in between.
 */
#include "mm/access.h"
#include "arch/x86_64/pgtable.h"
#include "kernel/sched.h"
#include "kernel/sync_point.h"
#include "lib/compiler.h"
#include "lib/err.h"
#include "lib/string.h"
#include "mm/debug.h"
#include "mm/fault.h"
#include "mm/oom.h"
#include "mm/fault_internal.h"
#include "mm/mm.h"
#include "mm/mmap.h"
#include "mm/page.h"
#include "mm/pgwalk.h"
#include "mm/rmap.h"
#include "mm/sabotage.h"
#include "mm/vma.h"

/* Device memory has no struct page to hold on to. */
static struct page *accessible_page(pte_t pte)
{
	if (!pte_present(pte))
		return NULL;
	if (pte_special(pte) && !is_zero_pfn(pte_pfn(pte)))
		return NULL;
	return pte_page(pte);
}

static bool page_may_be_written(const struct vm_area *vma, struct page *page, pte_t pte)
{
	if (vma->vm_flags & VM_SHARED)
		return pte_write(pte);
	return PageAnon(page) && PageAnonExclusive(page);
}

/* The page that is mapped there right now, if the access may use it, with a reference. */
static struct page *look_at_page(struct vm_area *vma, unsigned long addr, unsigned int flags)
{
	spinlock_t *ptl;
	pte_t *pte = pgwalk_pte_lock(vma->vm_mm, addr, &ptl);
	struct page *page;

	if (!pte)
		return NULL;
	page = accessible_page(ptep_get(pte));
	if (page && (flags & FAULT_FLAG_WRITE) && !page_may_be_written(vma, page, ptep_get(pte)))
		page = NULL;
	if (page)
		get_page(page);
	pte_unmap_unlock(pte, ptl);
	return page;
}

struct page *get_user_page(struct vm_area *vma, unsigned long addr, unsigned int flags)
{
	struct page *page;
	vm_fault_t ret;

	mmap_assert_locked(vma->vm_mm);
	if (!vma_permits(vma, flags) || (vma->vm_flags & (VM_IO | VM_PFNMAP)))
		return ERR_PTR(-EFAULT);
	for (;;) {
		page = look_at_page(vma, addr, flags);
		if (page)
			return page;
		ret = handle_mm_fault(vma, addr, flags);
		if (ret & VM_FAULT_ERROR)
			return ERR_PTR(fault_errno(ret));
		SYNC_POINT(access_after_cow_before_retry);
		if (sabotaged(access_forgets_write))
			flags &= ~FAULT_FLAG_WRITE;
		cond_resched();
	}
}

static void copy_part(struct page *page, unsigned long offset, void *buf, size_t len, bool write)
{
	char *bytes = (char *)page_address(page) + offset;

	if (write) {
		memcpy(bytes, buf, len);
		set_page_dirty(page);
	} else {
		memcpy(buf, bytes, len);
	}
}

/* The CPU reads what may only be executed or written; who asks from outside does not. */
static bool outsider_may(const struct vm_area *vma, unsigned int flags)
{
	return flags & (FAULT_FLAG_FORCE | FAULT_FLAG_WRITE) || vma->vm_flags & VM_READ;
}

/*
 * A debugger writes frames below the stack, as the process itself would: the stack grows for it.
 * Returns whether mmap_lock is held; it is counted by the caller.
 */
static bool lock_for_access(struct mm *mm, unsigned long addr, unsigned int flags)
{
	if (flags & FAULT_FLAG_FORCE) {
		if (!lock_mm_and_find_vma(mm, addr))
			return false;
	} else if (mmap_read_lock_killable(mm)) {
		return false;
	}
	__release(&mm->mmap_lock);
	return true;
}

static long access_vm(struct mm *mm, unsigned long addr, void *buf, size_t len, unsigned int flags)
{
	bool write = flags & FAULT_FLAG_WRITE;
	size_t done = 0;

	if (!lock_for_access(mm, addr, flags))
		return 0;
	__acquire(&mm->mmap_lock);
	while (done < len) {
		unsigned long offset = (addr + done) & ~PAGE_MASK;
		size_t part = min_t(size_t, len - done, PAGE_SIZE - offset);
		struct vm_area *vma = vma_lookup(mm, addr + done);
		struct page *page;

		if (!vma || !outsider_may(vma, flags))
			break;
		page = get_user_page(vma, addr + done, flags);
		if (IS_ERR(page))
			break;
		copy_part(page, offset, (char *)buf + done, part, write);
		put_page(page);
		done += part;
	}
	mmap_read_unlock(mm);
	return done;
}

long access_remote_vm(struct mm *mm, unsigned long addr, void *buf, size_t len, bool write)
{
	return access_vm(mm, addr, buf, len,
			 FAULT_FLAG_REMOTE | FAULT_FLAG_FORCE | (write ? FAULT_FLAG_WRITE : 0));
}

long access_permitted_vm(struct mm *mm, unsigned long addr, void *buf, size_t len, bool write)
{
	return access_vm(mm, addr, buf, len, FAULT_FLAG_REMOTE | (write ? FAULT_FLAG_WRITE : 0));
}

static bool is_mapped(struct vm_area *vma, unsigned long addr)
{
	spinlock_t *ptl;
	pte_t *pte = pgwalk_pte_lock(vma->vm_mm, addr, &ptl);
	bool present;

	if (!pte)
		return false;
	present = pte_present(ptep_get(pte));
	pte_unmap_unlock(pte, ptl);
	return present;
}

/*
 * A fault that has lost a race against reclaim returns success, for the access would be repeated.
 * Here is no access, and for locked memory success means that the page is there and stays: the PTE
 * lock waits for a reclaim that looked before VM_LOCKED was set, and every later one sees the flag.
 */
static vm_fault_t fault_in_page(struct vm_area *vma, unsigned long addr, unsigned int flags)
{
	vm_fault_t ret;

	do {
		/* A dying task would only use up the reserves that are there for its exit. */
		if (unlikely(oom_current_is_dying && oom_current_is_dying()))
			return VM_FAULT_KILLED;
		ret = handle_mm_fault(vma, addr, flags);
	} while (!(ret & VM_FAULT_ERROR) && (vma->vm_flags & VM_LOCKED) && !is_mapped(vma, addr));
	return ret;
}

int fault_in_range(struct mm *mm, unsigned long start, unsigned long end, bool write)
{
	struct vm_area *vma = NULL;

	mmap_assert_locked(mm);
	for (unsigned long addr = start & PAGE_MASK; addr < end; addr += PAGE_SIZE) {
		vm_fault_t ret;

		if (!vma || addr >= vma->vm_end)
			vma = vma_lookup(mm, addr);
		if (!vma)
			return -ENOMEM;
		ret = fault_in_page(vma, addr, write ? FAULT_FLAG_WRITE : 0);
		if (ret & VM_FAULT_ERROR)
			return fault_errno(ret);
		cond_resched();
	}
	return 0;
}
