/* SPDX-License-Identifier: MIT */
/*
 * PROCMAP_QUERY: which mapping holds an address?
 *
 * Profilers and debuggers ask this all the time. Instead of reading the whole of /proc/PID/maps as
 * text they give one address to an ioctl of that file and get one VMA back. The structure begins
 * with its size, so that it can grow: what a caller does not know of is not written, what the
 * kernel does not know of must be zero.
 */
#include "arch/x86_64/uaccess.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/proc_internal.h"
#include "kernel/fs/super.h"
#include "kernel/proc_internal.h"
#include "kernel/uapi/elf.h"
#include "lib/err.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "mm/vma.h"

#define PROCMAP_QUERY 0xc0686611u

#define QUERY_READABLE	  0x01
#define QUERY_WRITABLE	  0x02
#define QUERY_EXECUTABLE  0x04
#define QUERY_SHARED	  0x08
#define QUERY_OR_NEXT	  0x10
#define QUERY_FILE_BACKED 0x20
#define QUERY_VALID	  0x3f
#define BUILD_ID_MAX	  20

struct procmap_query {
	u64 size;
	u64 query_flags, query_addr;
	u64 vma_start, vma_end, vma_flags, vma_page_size, vma_offset, inode;
	u32 dev_major, dev_minor;
	u32 vma_name_size, build_id_size; /* in: room; out: used */
	u64 vma_name_addr, build_id_addr;
};

#define QUERY_MIN_SIZE (offsetof(struct procmap_query, query_addr) + sizeof(u64))

/* The properties of a VMA in the query's bits. */
static u64 query_bits(const struct vm_area *vma)
{
	return (vma->vm_flags & VM_READ ? QUERY_READABLE : 0) |
	       (vma->vm_flags & VM_WRITE ? QUERY_WRITABLE : 0) |
	       (vma->vm_flags & VM_EXEC ? QUERY_EXECUTABLE : 0) |
	       (vma->vm_flags & VM_MAYSHARE ? QUERY_SHARED : 0);
}

static bool matches(const struct vm_area *vma, u64 flags)
{
	u64 wanted = flags & (QUERY_READABLE | QUERY_WRITABLE | QUERY_EXECUTABLE | QUERY_SHARED);

	if (flags & QUERY_FILE_BACKED && !vma->vm_file)
		return false;
	return (query_bits(vma) & wanted) == wanted;
}

/* mmap_lock held. */
static struct vm_area *find_match(struct mm *mm, u64 addr, u64 flags)
{
	struct vm_area *vma = find_vma(mm, addr);

	if (!(flags & QUERY_OR_NEXT))
		return vma && vma->vm_start <= addr && matches(vma, flags) ? vma : NULL;
	while (vma && !matches(vma, flags))
		vma = vma_next(vma);
	return vma;
}

/*
 * The build id among the notes in [at, at + left) of a file, into @id: its length, 0 if there is
 * none. A note is: length of its name, of its value, type; the name ("GNU"), the value.
 */
static u32 find_build_id(struct file *file, loff_t at, u32 left, u8 id[BUILD_ID_MAX])
{
	u32 note[4], len;

	while (left >= sizeof(note)) {
		if (kernel_read(file, note, sizeof(note), at) != sizeof(note) ||
		    note[0] > PAGE_SIZE || note[1] > PAGE_SIZE)
			return 0;
		if (note[2] == NT_GNU_BUILD_ID && note[0] == 4 && !memcmp(&note[3], "GNU", 4) &&
		    note[1] <= BUILD_ID_MAX)
			return kernel_read(file, id, note[1], at + 16) == note[1] ? note[1] : 0;
		len = 12 + ((note[0] + 3) & ~3u) + ((note[1] + 3) & ~3u);
		if (len > left)
			return 0;
		left -= len;
		at += len;
	}
	return 0;
}

/* The build id of a mapped file, if it is an ELF file that has one. May sleep. */
static u32 build_id_of(struct file *file, u8 id[BUILD_ID_MAX])
{
	struct elf64_phdr ph;
	struct elf64_hdr eh;
	u32 len = 0;

	if (kernel_read(file, &eh, sizeof(eh), 0) != sizeof(eh) ||
	    memcmp(eh.e_ident, ELFMAG, SELFMAG))
		return 0;
	for (unsigned int i = 0; i < eh.e_phnum && !len; i++) {
		loff_t at = (loff_t)(eh.e_phoff + i * sizeof(ph));

		if (at < 0 || kernel_read(file, &ph, sizeof(ph), at) != sizeof(ph))
			return 0;
		if (ph.p_type == PT_NOTE && ph.p_filesz <= PAGE_SIZE && (loff_t)ph.p_offset >= 0)
			len = find_build_id(file, (loff_t)ph.p_offset, (u32)ph.p_filesz, id);
	}
	return len;
}

/* The answer about one VMA, its name in *name (inside @buf, a page) or NULL. mmap_lock held. */
static void fill_answer(struct procmap_query *q, struct vm_area *vma, char *buf, const char **name)
{
	dev_t dev = 0;

	q->vma_start = vma->vm_start;
	q->vma_end = vma->vm_end;
	q->vma_flags = query_bits(vma);
	q->vma_page_size = PAGE_SIZE;
	q->vma_offset = vma->vm_file ? vma->vm_pgoff << PAGE_SHIFT : 0;
	q->inode = 0;
	if (vma->vm_file)
		vma->vm_file->ops->ident(vma->vm_file, &dev, &q->inode);
	q->dev_major = MAJOR(dev);
	q->dev_minor = MINOR(dev);
	*name = NULL;
	if (q->vma_name_size)
		*name = proc_vma_name(vma, buf);
}

/* Find the VMA and say everything about it that was asked. 0, -ENOENT, -ENAMETOOLONG, -EINTR. */
static int answer(struct mm *mm, struct procmap_query *q, char *buf, const char **name, u8 *id)
{
	struct file *file = NULL;
	struct vm_area *vma;
	u32 len;
	int err = mmap_read_lock_killable(mm);

	if (err)
		return err;
	vma = find_match(mm, q->query_addr, q->query_flags);
	if (vma) {
		fill_answer(q, vma, buf, name);
		if (q->build_id_size && vma->vm_file)
			file = vm_file_to_file(vma->vm_file);
		if (file)
			vm_file_get(vma->vm_file);
	}
	mmap_read_unlock(mm);
	if (!vma)
		return -ENOENT;
	if (q->build_id_size) {
		len = file ? build_id_of(file, id) : 0;
		if (len > q->build_id_size)
			err = -ENAMETOOLONG;
		q->build_id_size = len;
	}
	if (file)
		vm_file_put(&file->vmf);
	len = *name ? (u32)strlen(*name) + 1 : 0;
	if (len > q->vma_name_size)
		err = -ENAMETOOLONG;
	q->vma_name_size = len;
	return err;
}

static int check_query(const struct procmap_query *q)
{
	if (q->query_flags & ~(u64)QUERY_VALID || !q->vma_name_size != !q->vma_name_addr ||
	    !q->build_id_size != !q->build_id_addr)
		return -EINVAL;
	return 0;
}

static long query(struct task *task, struct procmap_query __user *uq, struct procmap_query *q,
		  size_t usize)
{
	char *buf = kmalloc(PATH_MAX, GFP_KERNEL);
	struct mm *mm = get_task_mm(task);
	const char *name = NULL;
	u8 id[BUILD_ID_MAX];
	long err = -ESRCH;

	if (!buf)
		err = -ENOMEM;
	else if (mm)
		err = answer(mm, q, buf, &name, id);
	if (mm)
		mmput(mm);
	if (!err && ((q->vma_name_size &&
		      copy_to_user((char __user *)q->vma_name_addr, name, q->vma_name_size)) ||
		     (q->build_id_size &&
		      copy_to_user((u8 __user *)q->build_id_addr, id, q->build_id_size)) ||
		     copy_to_user(uq, q, min(usize, sizeof(*q)))))
		err = -EFAULT;
	kfree(buf);
	return err;
}

long proc_maps_ioctl(struct task *task, unsigned int cmd, unsigned long arg)
{
	struct procmap_query __user *uq = (struct procmap_query __user *)arg;
	struct procmap_query q;
	u64 usize = 0;
	int err;

	if (cmd != PROCMAP_QUERY)
		return -ENOIOCTLCMD;
	if (get_user(usize, &uq->size))
		return -EFAULT;
	if (usize > PAGE_SIZE)
		return -E2BIG;
	if (usize < QUERY_MIN_SIZE)
		return -EINVAL;
	err = copy_struct_from_user(&q, sizeof(q), uq, usize);
	return err ?: check_query(&q) ?: query(task, uq, &q, usize);
}
