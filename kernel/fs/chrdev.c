/* SPDX-License-Identifier: MIT */
/*
 * Character devices.
 *
 *   /dev/null: inode { S_IFCHR, rdev 1:3 } --open--> chrdev_open: file->f_op = the driver of 1:3
 *
 * The table maps device numbers to drivers; the nodes in /dev are only names for numbers, and
 * mknod() makes more. A driver that registers before there is a /dev gets its node when
 * chrdev_populate_dev() runs. Drivers are never removed.
 */
#include "kernel/fs/chrdev.h"
#include "kernel/fs/namei.h"
#include "kernel/fs/super.h"
#include "kernel/printk.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "mm/page.h"
#include "mm/slab.h"

#define CHRDEV_HASH 64

struct chrdev {
	struct hlist_node hash;
	dev_t dev;
	const char *name;
	umode_t mode;
	const struct file_operations *fops;
};

static struct hlist_head chrdev_hash[CHRDEV_HASH]; /* chrdev_lock to write; entries stay for ever */
static DEFINE_SPINLOCK(chrdev_lock);
static bool dev_exists;

static struct hlist_head *chrdev_bucket(dev_t dev)
{
	return &chrdev_hash[(MAJOR(dev) * 7 + MINOR(dev)) % CHRDEV_HASH];
}

static const struct file_operations *lookup_exact(dev_t dev)
{
	struct chrdev *chr;

	hlist_for_each_entry_rcu(chr, chrdev_bucket(dev), hash)
	{
		if (chr->dev == dev)
			return chr->fops;
	}
	return NULL;
}

const struct file_operations *chrdev_lookup(dev_t dev)
{
	const struct file_operations *fops = lookup_exact(dev);

	return fops ?: lookup_exact(MKDEV(MAJOR(dev), ALL_MINORS));
}

void for_each_chrdev(void (*fn)(dev_t dev, const char *name, void *arg), void *arg)
{
	struct chrdev *chr;

	for (int i = 0; i < CHRDEV_HASH; i++) {
		hlist_for_each_entry_rcu(chr, &chrdev_hash[i], hash) fn(chr->dev, chr->name, arg);
	}
}

static void make_node(dev_t dev, const char *name, umode_t mode)
{
	char path[64];
	int err;

	if (MINOR(dev) == ALL_MINORS)
		return;
	snprintf(path, sizeof(path), "/dev/%s", name);
	err = kernel_mknod(path, S_IFCHR | mode, dev);
	if (err && err != -EEXIST)
		pr_warn("%s: cannot make the device node: error %d\n", path, -err);
}

int register_chrdev(unsigned int major, unsigned int minor, const char *name, umode_t mode,
		    const struct file_operations *fops)
{
	struct chrdev *chr = kmalloc(sizeof(*chr), GFP_KERNEL);
	dev_t dev = MKDEV(major, minor);
	bool taken;

	if (!chr)
		return -ENOMEM;
	*chr = (struct chrdev){.dev = dev, .name = name, .mode = mode, .fops = fops};
	spin_lock(&chrdev_lock);
	taken = lookup_exact(dev);
	if (!taken)
		hlist_add_head_rcu(&chr->hash, chrdev_bucket(dev));
	spin_unlock(&chrdev_lock);
	if (taken) {
		kfree(chr);
		return -EBUSY;
	}
	if (dev_exists)
		make_node(dev, name, mode);
	return 0;
}

void chrdev_populate_dev(void)
{
	struct chrdev *chr;

	dev_exists = true;
	for (int i = 0; i < CHRDEV_HASH; i++) {
		hlist_for_each_entry_rcu(chr, &chrdev_hash[i], hash)
			make_node(chr->dev, chr->name, chr->mode);
	}
}

static int chrdev_open(struct inode *inode, struct file *file)
{
	const struct file_operations *fops = chrdev_lookup(inode->i_rdev);

	if (!fops)
		return -ENXIO;
	file->f_op = fops;
	if (fops->llseek)
		file->f_mode |= FMODE_LSEEK;
	return fops->open ? fops->open(inode, file) : 0;
}

const struct file_operations chrdev_open_fops = {.open = chrdev_open};
