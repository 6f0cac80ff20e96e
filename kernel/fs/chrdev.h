/* SPDX-License-Identifier: MIT */
/*
 * Character devices: from a device number to a driver's file_operations.
 */
#ifndef KERNEL_FS_CHRDEV_H
#define KERNEL_FS_CHRDEV_H

#include "kernel/fs/fs.h"

#define ALL_MINORS 0xfffffu /* of register_chrdev(): every number that has no driver of its own */

/**
 * register_chrdev() - @fops serves device @major:@minor, and /dev/@name appears with permissions
 * @mode (not for ALL_MINORS). May be called before vfs_init(); the node is then made when /dev is. @name and @fops stay
 * with the caller, who keeps them. 0, -EBUSY (the number is taken), -ENOMEM.
 */
int register_chrdev(unsigned int major, unsigned int minor, const char *name, umode_t mode,
		    const struct file_operations *fops);

/** chrdev_lookup() - the operations of a device number, or NULL. */
const struct file_operations *chrdev_lookup(dev_t dev);

/** for_each_chrdev_name() - call @fn for each registered device (the /proc/devices listing). */
void for_each_chrdev(void (*fn)(dev_t dev, const char *name, void *arg), void *arg);

#endif
