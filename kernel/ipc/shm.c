/* SPDX-License-Identifier: MIT */
/*
 * System V shared memory: shmget, shmat, shmdt. What shmctl does is in shmctl.c.
 *
 * A segment is a page cache without a file (mm/shmem.c) and a row in a table. shmat() maps it like
 * a file; fork copies the mapping, exit and exec unmap it, and each VMA counts as one attachment.
 *
 *	        shmget(IPC_CREAT)            IPC_RMID, nattch > 0         last detach
 *	(none) -----------------> keyed ---------------------------> doomed ------> gone
 *	                            |         key = IPC_PRIVATE          ^
 *	                            |         mode |= SHM_DEST           |
 *	                            +------------------------------------+
 *	                              IPC_RMID, nattch == 0
 *
 * A doomed segment is found by its id only, and can still be attached. shmat() counts as an
 * attachment from the moment it has found the segment: what has SHM_DEST goes once, with the last.
 *
 * References: the table has one; each VMA has one, through the vm_file. Whoever maps holds one more
 * until the mapping does. There are two vm_files, for attachments that may be written and for
 * SHM_RDONLY, whose memory can never be made writable.
 *
 * Locks: mmap_lock, then shm_table.lock (the VMA operations run with mmap_lock held), never the
 * other way round.
 */
#include "kernel/ipc/shm_internal.h"
#include "arch/x86_64/uaccess.h"
#include "kernel/cred.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/seq_file.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uapi/misc.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "mm/filemap.h"
#include "mm/mm.h"
#include "mm/mman.h"
#include "mm/mmap.h"
#include "mm/shmem.h"
#include "mm/slab.h"
#include "mm/vma.h"

#define SHM_RDONLY 010000
#define SHM_RND	   020000
#define SHM_REMAP  040000
#define SHM_EXEC   0100000

#define SHM_HUGETLB   04000
#define SHM_NORESERVE 010000

unsigned long shm_max_bytes = ~0UL - (1UL << 24);
unsigned long shm_all_pages = ~0UL - (1UL << 24);
IPC_TABLE(shm_table, 4096);

unsigned long shm_total_pages;

static struct shm_segment *vmf_segment(struct vm_file *vmf)
{
	return vmf->mapping->host;
}

/* Life ----------------------------------------------------------------------------------------- */

static void segment_put(struct shm_segment *seg)
{
	if (!atomic_dec_and_test(&seg->count))
		return;
	shm_uncharge_locker(seg);
	address_space_destroy(&seg->mapping);
	vm_unacct_memory(seg->promised);
	kfree(seg);
}

void shm_segment_remove(struct shm_segment *seg)
{
	shm_total_pages -= pages_of(seg);
	ipc_remove(&shm_table, &seg->ipc);
	segment_put(seg);
}

static void shm_open(struct vm_area *vma)
{
	struct shm_segment *seg = vmf_segment(vma->vm_file);

	mutex_lock(&shm_table.lock);
	seg->nattch++;
	seg->atime = ipc_now();
	seg->lpid = current->tgid;
	mutex_unlock(&shm_table.lock);
}

/* One attachment less. Table locked, and the segment referenced besides. */
static void uncount(struct shm_segment *seg)
{
	if (!--seg->nattch && seg->ipc.mode & SHM_DEST)
		shm_segment_remove(seg);
}

static void shm_close(struct vm_area *vma)
{
	struct shm_segment *seg = vmf_segment(vma->vm_file);

	mutex_lock(&shm_table.lock);
	seg->dtime = ipc_now();
	seg->lpid = current->tgid;
	uncount(seg); /* the VMA still has its reference */
	mutex_unlock(&shm_table.lock);
}

static const struct vm_operations shm_vm_ops = {
	.open = shm_open,
	.close = shm_close,
	.fault = filemap_fault,
};

static void shm_vm_get(struct vm_file *vmf)
{
	atomic_inc(&vmf_segment(vmf)->count);
}

static void shm_vm_put(struct vm_file *vmf)
{
	segment_put(vmf_segment(vmf));
}

static int shm_vm_mmap(struct vm_file *vmf, struct vm_area *vma)
{
	vma->vm_ops = &shm_vm_ops;
	shm_open(vma);
	return 0;
}

static char *shm_vm_name(struct vm_file *vmf, char *buf, size_t size)
{
	snprintf(buf, size, "/SYSV%08x (deleted)", (u32)vmf_segment(vmf)->name_key);
	return buf;
}

static void shm_vm_ident(struct vm_file *vmf, dev_t *dev, u64 *ino)
{
	*dev = 1; /* as Linux's internal mount */
	*ino = (u64)vmf_segment(vmf)->ipc.id;
}

static const struct vm_file_ops shm_vm_file_ops = {
	.get = shm_vm_get,
	.put = shm_vm_put,
	.mmap = shm_vm_mmap,
	.name = shm_vm_name,
	.ident = shm_vm_ident,
};

/* shmget --------------------------------------------------------------------------------------- */

/* Not yet in the table. ERR_PTR. */
static struct shm_segment *new_segment(s32 key, size_t size, int flags)
{
	unsigned long pages = (size + PAGE_SIZE - 1) >> PAGE_SHIFT;
	bool noreserve = flags & SHM_NORESERVE && READ_ONCE(sysctl_overcommit_memory) != 2;
	unsigned long promised = noreserve ? 0 : pages;
	struct shm_segment *seg;

	if (vm_enough_memory(current->mm, promised))
		return ERR_PTR(-ENOMEM);
	seg = kzalloc(sizeof(*seg), GFP_KERNEL);
	if (!seg) {
		vm_unacct_memory(promised);
		return ERR_PTR(-ENOMEM);
	}
	atomic_set(&seg->count, 1);
	seg->size = size;
	seg->promised = promised;
	seg->cpid = current->tgid;
	seg->ctime = ipc_now();
	seg->name_key = key;
	shmem_mapping_init(&seg->mapping, seg, NULL);
	seg->mapping.i_size = (loff_t)size;
	seg->mapping.flags = noreserve ? 0 : AS_PROMISED;
	seg->vmf[SHM_VMF_RW] =
		(struct vm_file){&seg->mapping, &shm_vm_file_ops, VMF_READ | VMF_WRITE};
	seg->vmf[SHM_VMF_RO] = (struct vm_file){&seg->mapping, &shm_vm_file_ops, VMF_READ};
	return seg;
}

/* Table locked. The id, or -E. */
static long create_segment(s32 key, size_t size, int flags)
{
	unsigned long pages = (size + PAGE_SIZE - 1) >> PAGE_SHIFT;
	struct shm_segment *seg;
	int err;

	if (!size || size > READ_ONCE(shm_max_bytes))
		return -EINVAL;
	if (pages << PAGE_SHIFT < size || shm_total_pages + pages < shm_total_pages ||
	    shm_total_pages + pages > READ_ONCE(shm_all_pages))
		return -ENOSPC;
	if (flags & SHM_HUGETLB) /* there is no pool of huge pages */
		return -EINVAL;
	if (size > (size_t)MAX_FILE_SIZE)
		return -EINVAL;
	seg = new_segment(key, size, flags);
	if (IS_ERR(seg))
		return PTR_ERR(seg);
	err = ipc_add(&shm_table, &seg->ipc, key, (u32)flags);
	if (err) {
		segment_put(seg);
		return err;
	}
	shm_total_pages += pages;
	return seg->ipc.id;
}

/* Table locked. */
static long get_segment(s32 key, size_t size, int flags)
{
	struct ipc_object *object = key == IPC_PRIVATE ? NULL : ipc_find_key(&shm_table, key);

	if (!object) {
		if (key != IPC_PRIVATE && !(flags & IPC_CREAT))
			return -ENOENT;
		return create_segment(key, size, flags);
	}
	if (flags & IPC_CREAT && flags & IPC_EXCL)
		return -EEXIST;
	if (to_segment(object)->size < size)
		return -EINVAL;
	return ipc_access(object, (u32)flags & 0777) ?: object->id;
}

SYSCALL_DEFINE3(shmget, s32, key, size_t, size, int, flags)
{
	long ret;

	mutex_lock(&shm_table.lock);
	ret = get_segment(key, size, flags);
	mutex_unlock(&shm_table.lock);
	return ret;
}

/* shmat, shmdt --------------------------------------------------------------------------------- */

/* With a reference, and counted as an attachment; or ERR_PTR. */
static struct shm_segment *begin_attach(int id, u32 access)
{
	struct ipc_object *object;
	int err;

	mutex_lock(&shm_table.lock);
	object = ipc_find(&shm_table, id);
	err = IS_ERR(object) ? (int)PTR_ERR(object) : ipc_access(object, access);
	if (!err) {
		atomic_inc(&to_segment(object)->count);
		to_segment(object)->nattch++;
	}
	mutex_unlock(&shm_table.lock);
	return err ? ERR_PTR(err) : to_segment(object);
}

/* The mapping, if there is one, counts for itself now. */
static void end_attach(struct shm_segment *seg)
{
	mutex_lock(&shm_table.lock);
	uncount(seg);
	mutex_unlock(&shm_table.lock);
	segment_put(seg);
}

static long map_segment(struct shm_segment *seg, unsigned long addr, unsigned long prot,
			unsigned long map_flags, int flags)
{
	struct vm_file *vmf = &seg->vmf[flags & SHM_RDONLY ? SHM_VMF_RO : SHM_VMF_RW];
	struct mm *mm = current->mm;
	unsigned long populate = 0;
	long ret = -EINVAL;

	if (mmap_write_lock_killable(mm))
		return -EINTR;
	if (!addr || flags & SHM_REMAP ||
	    (addr + seg->size >= addr && !find_vma_intersection(mm, addr, addr + seg->size)))
		ret = do_mmap(mm, vmf, addr, seg->size, prot, map_flags, 0, &populate);
	mmap_write_unlock(mm);
	if (populate)
		mm_populate(mm, (unsigned long)ret, populate);
	return ret;
}

SYSCALL_DEFINE3(shmat, int, id, unsigned long, addr, int, flags)
{
	unsigned long prot = PROT_READ, map_flags = MAP_SHARED;
	u32 access = 0444;
	struct shm_segment *seg;
	long ret;

	if (id < 0)
		return -EINVAL;
	if (addr) {
		if (addr & (PAGE_SIZE - 1)) {
			if (!(flags & SHM_RND))
				return -EINVAL;
			addr &= PAGE_MASK;
			if (!addr && flags & SHM_REMAP)
				return -EINVAL;
		}
		map_flags |= MAP_FIXED;
	} else if (flags & SHM_REMAP) {
		return -EINVAL;
	}
	if (!(flags & SHM_RDONLY)) {
		prot |= PROT_WRITE;
		access |= 0222;
	}
	if (flags & SHM_EXEC) {
		prot |= PROT_EXEC;
		access |= 0111;
	}
	seg = begin_attach(id, access);
	if (IS_ERR(seg))
		return PTR_ERR(seg);
	ret = map_segment(seg, addr, prot, map_flags, flags);
	end_attach(seg);
	return ret;
}

/* The segment that the VMA maps as if it were attached at @addr, or NULL. */
static struct shm_segment *attached_at(const struct vm_area *vma, unsigned long addr)
{
	if (vma->vm_ops != &shm_vm_ops || (vma->vm_start - addr) >> PAGE_SHIFT != vma->vm_pgoff)
		return NULL;
	return vmf_segment(vma->vm_file);
}

/* mmap_lock held for writing. Unmaps every piece of the attachment; others' in between stay. */
static int detach(struct mm *mm, unsigned long addr)
{
	struct vm_area *vma = find_vma(mm, addr), *next;
	struct shm_segment *seg = NULL;
	unsigned long end;
	int err = 0;

	while (vma && !(seg = attached_at(vma, addr)))
		vma = vma_next(vma);
	if (!vma)
		return -EINVAL;
	/* the first piece goes whole, also if mremap() has made it longer than the segment */
	end = max(addr + (pages_of(seg) << PAGE_SHIFT), vma->vm_end);
	while (vma && vma->vm_end <= end && !err) {
		next = vma_next(vma);
		if (attached_at(vma, addr) == seg)
			err = do_munmap(mm, vma->vm_start, vma->vm_end - vma->vm_start);
		vma = next;
	}
	return err;
}

SYSCALL_DEFINE1(shmdt, unsigned long, addr)
{
	struct mm *mm = current->mm;
	int err;

	if (addr & (PAGE_SIZE - 1))
		return -EINVAL;
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	err = detach(mm, addr);
	mmap_write_unlock(mm);
	return err;
}
