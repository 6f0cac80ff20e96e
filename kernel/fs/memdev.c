/* SPDX-License-Identifier: MIT */
/*
 * Devices without hardware: /dev/null, zero, full, random, urandom, kmsg.
 *
 * Mapping /dev/zero is the old way to get anonymous memory: private, the mapping forgets the file;
 * shared, it becomes shared anonymous memory.
 */
#include "kernel/fs/chrdev.h"
#include "kernel/fs/file.h"
#include "kernel/fs/iov_iter.h"
#include "kernel/fs/poll.h"
#include "kernel/fs/super.h"
#include "kernel/printk.h"
#include "kernel/random.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/timer.h"
#include "kernel/uapi/time.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/shmem.h"
#include "mm/slab.h"
#include "mm/vma.h"

#define MEM_MAJOR 1

static ssize_t read_null(struct file *file, struct iov_iter *to, loff_t *pos)
{
	return 0;
}

static ssize_t write_null(struct file *file, struct iov_iter *from, loff_t *pos)
{
	size_t count = iov_iter_count(from);

	iov_iter_advance(from, count);
	return count;
}

static ssize_t read_zero(struct file *file, struct iov_iter *to, loff_t *pos)
{
	ssize_t done = 0;

	while (iov_iter_count(to)) {
		size_t chunk = min_t(size_t, iov_iter_count(to), 16 * PAGE_SIZE);
		size_t cleared = iov_iter_zero(chunk, to);

		done += cleared;
		if (cleared < chunk)
			return done ?: -EFAULT;
		if (signal_pending(current))
			break;
		cond_resched();
	}
	return done;
}

static ssize_t write_full(struct file *file, struct iov_iter *from, loff_t *pos)
{
	return -ENOSPC;
}

static int mmap_zero(struct file *file, struct vm_area *vma)
{
	struct vm_file *shared = NULL;

	if (vma->vm_flags & VM_SHARED) {
		shared = shmem_vm_file(vma->vm_end - vma->vm_start, vma->vm_flags);
		if (IS_ERR(shared))
			return PTR_ERR(shared);
		vma->vm_ops = &generic_file_vm_ops;
		vma->vm_pgoff = 0;
	}
	vm_file_put(vma->vm_file);
	vma->vm_file = shared;
	return 0;
}

static ssize_t read_random(struct file *file, struct iov_iter *to, loff_t *pos)
{
	u8 buf[256];
	ssize_t done = 0;

	while (iov_iter_count(to)) {
		size_t chunk = min_t(size_t, iov_iter_count(to), sizeof(buf));
		size_t copied;

		get_random_bytes(buf, chunk);
		copied = copy_to_iter(buf, chunk, to);
		done += copied;
		if (copied < chunk) {
			done = done ?: -EFAULT;
			break;
		}
		if (done % PAGE_SIZE == 0) {
			if (signal_pending(current))
				break;
			cond_resched();
		}
	}
	memset(buf, 0, sizeof(buf));
	return done;
}

static ssize_t write_random(struct file *file, struct iov_iter *from, loff_t *pos)
{
	u8 buf[256];
	ssize_t done = 0;

	while (iov_iter_count(from)) {
		size_t copied =
			copy_from_iter(buf, min_t(size_t, iov_iter_count(from), sizeof(buf)), from);

		if (!copied)
			return done ?: -EFAULT;
		add_randomness(buf, copied);
		done += copied;
		cond_resched();
	}
	return done;
}

/* /dev/kmsg: one record of the log a read ------------------------------------------------------ */

#define KMSG_LINE 1024
/* printk() may run anywhere, so it wakes nobody: who waits looks again after this time. */
#define KMSG_WAIT (100 * NSEC_PER_MSEC)

struct kmsg_reader {
	u64 seq;
	struct wait_queue_head wait; /* of poll */
	struct timer look_again;
	char line[KMSG_LINE];
};

static void kmsg_look_again(struct timer *timer)
{
	struct kmsg_reader *reader = container_of(timer, struct kmsg_reader, look_again);

	__wake_up(&reader->wait, TASK_NORMAL, 0, (void *)(unsigned long)(POLLIN | POLLRDNORM));
}

static int kmsg_open(struct inode *inode, struct file *file)
{
	struct kmsg_reader *reader;

	if (!(file->f_mode & FMODE_READ))
		return 0;
	reader = kmalloc(sizeof(*reader), GFP_KERNEL);
	if (!reader)
		return -ENOMEM;
	reader->seq = log_first_seq();
	init_waitqueue_head(&reader->wait);
	timer_setup(&reader->look_again, kmsg_look_again);
	file->private = reader;
	return 0;
}

static void kmsg_release(struct inode *inode, struct file *file)
{
	struct kmsg_reader *reader = file->private;

	if (reader)
		timer_cancel_sync(&reader->look_again);
	kfree(reader);
}

static u32 kmsg_poll(struct file *file, struct poll_table *table)
{
	struct kmsg_reader *reader = file->private;

	if (!reader)
		return POLLERR | POLLNVAL;
	poll_wait(file, &reader->wait, table);
	if (reader->seq >= log_next_seq()) {
		timer_start(&reader->look_again, ktime_get_ns() + KMSG_WAIT);
		return 0;
	}
	/* What it has not read yet may be overwritten already. */
	return POLLIN | POLLRDNORM | (reader->seq < log_first_seq() ? POLLERR | POLLPRI : 0);
}

static ssize_t kmsg_read(struct file *file, struct iov_iter *to, loff_t *pos)
{
	struct kmsg_reader *reader = file->private;
	size_t len;

	while (reader->seq >= log_next_seq()) {
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		set_current_state(TASK_INTERRUPTIBLE);
		schedule_timeout_ns(KMSG_WAIT);
		if (signal_pending(current))
			return -ERESTARTSYS;
	}
	len = log_read(&reader->seq, reader->line, sizeof(reader->line), true, NULL);
	if (len > iov_iter_count(to))
		return -EINVAL;
	return copy_to_iter(reader->line, len, to) == len ? (ssize_t)len : -EFAULT;
}

/* "<6>text": a message from a program, with a level in front if it likes. */
static ssize_t kmsg_write(struct file *file, struct iov_iter *from, loff_t *pos)
{
	size_t len = iov_iter_count(from);
	char line[KMSG_LINE - 64], *text = line;

	if (len >= sizeof(line))
		return -EINVAL;
	if (copy_from_iter(line, len, from) != len)
		return -EFAULT;
	line[len] = '\0';
	if (line[0] == '<') {
		char *end = strchr(line, '>');

		if (end)
			text = end + 1;
	}
	pr_notice("%s%s", text, len && line[len - 1] == '\n' ? "" : "\n");
	return len;
}

static loff_t kmsg_llseek(struct file *file, loff_t offset, int whence)
{
	struct kmsg_reader *reader = file->private;

	if (!reader)
		return -EBADF;
	if (offset)
		return -ESPIPE;
	if (whence != SEEK_SET && whence != SEEK_END)
		return -EINVAL;
	reader->seq = whence == SEEK_SET ? log_first_seq() : log_next_seq();
	return 0;
}

static const struct file_operations null_fops = {
	.read_iter = read_null, .write_iter = write_null, .llseek = noop_llseek};
static const struct file_operations zero_fops = {
	.read_iter = read_zero, .write_iter = write_null, .llseek = noop_llseek, .mmap = mmap_zero};
static const struct file_operations full_fops = {
	.read_iter = read_zero, .write_iter = write_full, .llseek = noop_llseek};

static const struct file_operations random_fops = {
	.read_iter = read_random, .write_iter = write_random, .llseek = noop_llseek};
static const struct file_operations kmsg_fops = {.open = kmsg_open,
						 .poll = kmsg_poll,
						 .release = kmsg_release,
						 .read_iter = kmsg_read,
						 .write_iter = kmsg_write,
						 .llseek = kmsg_llseek};

void memdev_init(void)
{
	static const struct {
		const char *name;
		unsigned int minor;
		umode_t mode;
		const struct file_operations *fops;
	} devs[] = {
		{"null", 3, 0666, &null_fops},	    {"zero", 5, 0666, &zero_fops},
		{"full", 7, 0666, &full_fops},	    {"random", 8, 0666, &random_fops},
		{"urandom", 9, 0666, &random_fops}, {"kmsg", 11, 0644, &kmsg_fops},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(devs); i++)
		register_chrdev(MEM_MAJOR, devs[i].minor, devs[i].name, devs[i].mode, devs[i].fops);
}
