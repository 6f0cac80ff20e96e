/* SPDX-License-Identifier: MIT */
/*
 * An address space as data: /proc/PID/mem, pagemap, clear_refs; and the pages of the machine:
 * kpagecount, kpageflags.
 *
 * pagemap has 64 bits for each virtual page, at 8 times its number:
 *
 *      63 present   62 swapped   61 file page or shared   56 mapped once   55 soft-dirty
 *      0…54 frame number (0 unless the reader is privileged),
 *           or for a swapped page 0…4 type, 5…54 offset
 */
#include "kernel/fs/proc_internal.h"
#include "kernel/fs/file.h"
#include "kernel/fs/iov_iter.h"
#include "kernel/cred.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/uapi/misc.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "mm/access.h"
#include "mm/mm.h"
#include "mm/page.h"
#include "mm/pgwalk.h"
#include "mm/rmap.h"
#include "mm/slab.h"
#include "mm/swapops.h"
#include "mm/vma.h"

static int mem_open(struct inode *inode, struct file *file)
{
	int err = proc_may_look_inside(inode);
	struct mm *mm = err ? ERR_PTR(err) : proc_mm(inode);

	if (IS_ERR(mm))
		return PTR_ERR(mm);
	if (mm) { /* keep the structure: an open file does not hold a process's memory */
		mmgrab(mm);
		mmput(mm);
	}
	file->private = mm;
	return 0;
}

static void mem_release(struct inode *inode, struct file *file)
{
	if (file->private)
		mmdrop(file->private);
}

static loff_t mem_llseek(struct file *file, loff_t offset, int whence)
{
	if (whence == SEEK_CUR)
		offset += file->f_pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	file->f_pos = offset; /* any address, as an unsigned number */
	return offset;
}

/* mem ------------------------------------------------------------------------------------------ */

static ssize_t mem_rw(struct file *file, struct iov_iter *iter, loff_t *pos, bool write)
{
	struct mm *mm = file->private;
	unsigned long addr = *pos;
	ssize_t done = 0;
	char *buf;

	if (!mm || !mmget_not_zero(mm))
		return 0;
	buf = kmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!buf) {
		mmput(mm);
		return -ENOMEM;
	}
	while (iov_iter_count(iter)) {
		size_t len = min_t(size_t, iov_iter_count(iter), PAGE_SIZE - (addr & ~PAGE_MASK)),
		       moved;
		long n;

		if (write && copy_from_iter(buf, len, iter) != len) {
			done = done ?: -EFAULT;
			break;
		}
		n = access_remote_vm(mm, addr, buf, len, write);
		if (n <= 0) {
			done = done ?: -EIO;
			break;
		}
		moved = write ? (size_t)n : copy_to_iter(buf, n, iter);
		addr += moved;
		done += moved;
		if (moved < len) {
			done = done ?: -EFAULT;
			break;
		}
	}
	kfree(buf);
	mmput(mm);
	*pos = addr;
	return done;
}

static ssize_t mem_read(struct file *file, struct iov_iter *to, loff_t *pos)
{
	return mem_rw(file, to, pos, false);
}

static ssize_t mem_write(struct file *file, struct iov_iter *from, loff_t *pos)
{
	return mem_rw(file, from, pos, true);
}

const struct file_operations proc_mem_fops = {.open = mem_open,
					      .release = mem_release,
					      .read_iter = mem_read,
					      .write_iter = mem_write,
					      .llseek = mem_llseek};

/* pagemap -------------------------------------------------------------------------------------- */

#define PM_PRESENT    BIT_ULL(63)
#define PM_SWAP	      BIT_ULL(62)
#define PM_FILE	      BIT_ULL(61)
#define PM_GUARD      BIT_ULL(58)
#define PM_EXCLUSIVE  BIT_ULL(56)
#define PM_SOFT_DIRTY BIT_ULL(55)
#define PM_PFN_MASK   (BIT_ULL(55) - 1)

static u64 pagemap_entry(pte_t pte, bool show_pfn)
{
	u64 value = PM_SOFT_DIRTY;

	if (pte_present(pte)) {
		struct page *page = vm_normal_page(pte);

		value |= PM_PRESENT;
		if (show_pfn)
			value |= pte_pfn(pte) & PM_PFN_MASK;
		if (page && !PageAnon(page))
			value |= PM_FILE;
		if (page && page_mapcount(page) == 1)
			value |= PM_EXCLUSIVE;
	} else if (is_swap_pte(pte)) {
		swp_entry_t entry = pte_to_swp_entry(pte);

		value |= PM_SWAP;
		if (is_guard_entry(entry))
			value |= PM_GUARD;
		if (show_pfn)
			value |= swp_type(entry) | (swp_offset(entry) << 5 & PM_PFN_MASK);
	} else {
		value = 0;
	}
	return value;
}

/* The entry of one page. mmap_lock held. */
static u64 pagemap_one(struct mm *mm, unsigned long addr, bool show_pfn)
{
	spinlock_t *ptl;
	pte_t *pte;
	u64 entry;

	if (!vma_lookup(mm, addr))
		return 0;
	pte = pgwalk_pte_lock(mm, addr, &ptl);
	if (!pte)
		return 0;
	entry = pagemap_entry(ptep_get(pte), show_pfn);
	spin_unlock(ptl);
	return entry;
}

#define PAGEMAP_CHUNK 64

static ssize_t pagemap_read(struct file *file, struct iov_iter *to, loff_t *pos)
{
	bool show_pfn = capable(CAP_SYS_ADMIN);
	struct mm *mm = file->private;
	u64 buf[PAGEMAP_CHUNK];
	ssize_t done = 0;

	if (*pos % 8 || iov_iter_count(to) % 8)
		return -EINVAL;
	if (!mm || !mmget_not_zero(mm))
		return 0;
	while (iov_iter_count(to) && *pos >= 0 && (u64)*pos / 8 < TASK_SIZE >> PAGE_SHIFT) {
		unsigned long page = *pos / 8;
		unsigned int n = min_t(u64, min_t(u64, PAGEMAP_CHUNK, iov_iter_count(to) / 8),
				       (TASK_SIZE >> PAGE_SHIFT) - page);
		size_t copied;

		mmap_read_lock(mm);
		for (unsigned int i = 0; i < n; i++)
			buf[i] = pagemap_one(mm, (page + i) << PAGE_SHIFT, show_pfn);
		mmap_read_unlock(mm);
		copied = copy_to_iter(buf, n * 8, to);
		*pos += copied;
		done += copied;
		if (copied < n * 8) {
			done = done ?: -EFAULT;
			break;
		}
		cond_resched();
	}
	mmput(mm);
	return done;
}

const struct file_operations proc_pagemap_fops = {
	.open = mem_open, .release = mem_release, .read_iter = pagemap_read, .llseek = mem_llseek};

/* clear_refs: forget that pages were used ------------------------------------------------------ */

static void clear_refs_vma(struct vm_area *vma)
{
	struct pgwalk walk;
	spinlock_t *ptl;
	pte_t *pte;

	for_each_pmd(&walk, vma->vm_mm, vma->vm_start, vma->vm_end)
	{
		pte = pgwalk_pte_lock(vma->vm_mm, walk.addr, &ptl);
		if (!pte)
			continue;
		for (unsigned long addr = walk.addr; addr < walk.next; addr += PAGE_SIZE, pte++) {
			pte_t entry = ptep_get(pte);
			struct page *page = pte_present(entry) ? vm_normal_page(entry) : NULL;

			if (page) {
				ptep_test_and_clear_young(pte);
				ClearPageReferenced(page);
			}
		}
		spin_unlock(ptl);
	}
}

int proc_clear_refs_store(const struct proc_entry *entry, struct task *task, char *text, size_t len)
{
	struct vm_area *vma;
	struct mm *mm;

	/* 1 all, 2 anonymous, 3 file pages; 4 soft-dirty bits, 5 the peak of the resident set */
	if (len != 1 || text[0] < '1' || text[0] > '5')
		return -EINVAL;
	mm = get_task_mm(task);
	if (!mm)
		return 0;
	mmap_read_lock(mm);
	if (text[0] == '5')
		mm->hiwater_rss = get_mm_rss(mm);
	for_each_vma (mm, vma) {
		if (text[0] > '3' || (text[0] == '2' && vma->vm_file) ||
		    (text[0] == '3' && !vma->vm_file))
			continue;
		clear_refs_vma(vma);
	}
	flush_tlb_mm(mm);
	mmap_read_unlock(mm);
	mmput(mm);
	return 0;
}

/* Physical pages ------------------------------------------------------------------------------- */

static u64 kpagecount(const struct page *page)
{
	return page_mapcount(page);
}

/* Bits as in Linux's kernel-page-flags.h. */
static u64 kpageflags(const struct page *page)
{
	u64 f = 0;

	f |= PageLocked(page) ? BIT_ULL(0) : 0;
	f |= PageReferenced(page) ? BIT_ULL(2) : 0;
	f |= PageUptodate(page) ? BIT_ULL(3) : 0;
	f |= PageDirty(page) ? BIT_ULL(4) : 0;
	f |= PageLRU(page) ? BIT_ULL(5) : 0;
	f |= PageActive(page) ? BIT_ULL(6) : 0;
	f |= PageSlab(page) ? BIT_ULL(7) : 0;
	f |= PageWriteback(page) ? BIT_ULL(8) : 0;
	f |= PageBuddy(page) ? BIT_ULL(10) : 0;
	f |= page_mapped(page) ? BIT_ULL(11) : 0;
	f |= PageAnon(page) ? BIT_ULL(12) : 0;
	f |= PageSwapCache(page) ? BIT_ULL(13) : 0;
	f |= PageSwapBacked(page) ? BIT_ULL(14) : 0;
	f |= PageUnevictable(page) ? BIT_ULL(18) : 0;
	f |= PageReserved(page) ? BIT_ULL(32) : 0;
	f |= PageMlocked(page) ? BIT_ULL(33) : 0;
	return f;
}

static ssize_t kpage_read(struct iov_iter *to, loff_t *pos, u64 (*value)(const struct page *page),
			  u64 none)
{
	ssize_t done = 0;

	if (*pos % 8 || iov_iter_count(to) % 8)
		return -EINVAL;
	while (iov_iter_count(to) && *pos >= 0 && (u64)*pos / 8 < max_pfn) {
		unsigned long pfn = *pos / 8;
		u64 v = pfn_valid(pfn) ? value(pfn_to_page(pfn)) : none;

		if (copy_to_iter(&v, sizeof(v), to) != sizeof(v))
			return done ?: -EFAULT;
		*pos += sizeof(v);
		done += sizeof(v);
		cond_resched();
	}
	return done;
}

static ssize_t kpagecount_read(struct file *file, struct iov_iter *to, loff_t *pos)
{
	return kpage_read(to, pos, kpagecount, 0);
}

static ssize_t kpageflags_read(struct file *file, struct iov_iter *to, loff_t *pos)
{
	return kpage_read(to, pos, kpageflags, BIT_ULL(20)); /* no page */
}

const struct file_operations proc_kpagecount_fops = {.read_iter = kpagecount_read,
						     .llseek = mem_llseek};
const struct file_operations proc_kpageflags_fops = {.read_iter = kpageflags_read,
						     .llseek = mem_llseek};
