/* SPDX-License-Identifier: MIT */
/*
 * From the first C function to the first program.
 *
 * kernel_main() runs on CPU 0, on the boot stack, with interrupts off: log, memory, page tables,
 * allocators, clocks. There are no tasks to sleep in, and all memory is there to be had. Then it
 * splits:
 *
 *	kernel_main()
 *	   |
 *	   +--> task 1: init_task_main()	other CPUs, kernel threads, file systems, drivers,
 *	   |					initramfs; then it becomes the first program by
 *	   |					exec, or runs the tests
 *	   |
 *	   `--> cpu_idle_loop()			the boot context is CPU 0's idle task
 *
 *	secondary_main() --> cpu_idle_loop()	every further CPU, on its idle task's stack
 *
 * Each step needs those above it. Where the machine or its files do not suffice, the person in
 * front of it gets a sentence (panic_user), not a register dump.
 */
#include "kernel/boot_info.h"
#include "kernel/cmdline.h"
#include "kernel/drivers/drivers.h"
#include "kernel/fs/file.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/fs_struct.h"
#include "kernel/kthread.h"
#include "kernel/ksyms.h"
#include "kernel/main.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/random.h"
#include "kernel/rcu.h"
#include "kernel/sched.h"
#include "kernel/swap_disk.h"
#include "kernel/task.h"
#include "kernel/timer.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/changes.h"
#include "mm/buddy.h"
#include "mm/fault.h"
#include "mm/lru.h"
#include "mm/mm.h"
#include "mm/page.h"
#include "mm/radix_pool.h"
#include "mm/reclaim.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "mm/vmalloc.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/kmap.h"
#include "arch/x86_64/smp.h"
#include "tests/kernel/ktest.h"

#define MAX_INIT_ARGS 32

static char init_path[128];

static int set_init(const char *value)
{
	if (*value != '/')
		return -EINVAL;
	strscpy(init_path, value, sizeof(init_path));
	return 0;
}
CMDLINE_PARAM("init", set_init);

static void init_memory(void)
{
	paging_init();
	percpu_alloc_areas();
	sched_init();
	page_init();
	buddy_init();
	buddy_setup_cpus(nr_cpu_ids);
	slab_init();
	radix_pool_init();
	vmalloc_init();
	lru_init();
	reclaim_init();
	mm_init_kernel();
	mm_caches_init();
	fault_init();
	commit_init();
}

void kernel_main(void)
{
	ksyms_init();
	cmdline_parse(boot_info.cmdline);
	serial_console_init();
	pr_notice("Verso, %s kernel, started by %s\n", DEBUG_OR_RELEASE, boot_info.loader);
	pr_info("command line: %s\n", cmdline_text());
	init_memory();
	arch_init();
	time_init();
	random_init();
	swap_ram_init();
	screen_console_init();
	task_init();
	sched_init_idle();
	system_state = SYSTEM_SCHEDULING;
	if (user_mode_thread(init_task_main, NULL) < 0)
		panic("no memory for the first task");
	local_irq_enable();
	cpu_idle_loop();
}

void secondary_main(unsigned int cpu)
{
	sched_cpu_online();
	local_irq_enable();
	cpu_idle_loop();
}

/* ---- task 1 ---- */

static void start_thread_or_panic(int (*fn)(void *), const char *name)
{
	struct task *thread = kthread_run(fn, NULL, "%s", name);

	if (IS_ERR(thread))
		panic("no memory for the kernel thread %s", name);
}

static void unpack_initramfs(void)
{
	int ret;

	if (boot_info.initrd_start == boot_info.initrd_end) {
		if (ktest_requested())
			return;
		panic_user("no initramfs was given, so there is no program to run. "
			   "GRUB: \"module2 FILE\", QEMU: \"-initrd FILE\"");
	}
	ret = initramfs_unpack(boot_info.initrd_start, boot_info.initrd_end);
	if (ret == -ENOMEM)
		panic_user("too little memory to unpack the initramfs");
	if (ret)
		panic_user("the initramfs is broken (error %d): it must be a whole cpio archive in "
			   "newc format",
			   -ret);
}

/* Standard input, output and error of the first program. */
static void open_console(void)
{
	struct file *file = kernel_open("/dev/console", O_RDWR, 0);
	int i;

	if (IS_ERR(file)) {
		pr_warn("no /dev/console (error %ld): the first program has no open files\n",
			-PTR_ERR(file));
		return;
	}
	for (i = 0; i < 3; i++) {
		get_file(file);
		if (fd_install_new(file, 0) < 0)
			break;
	}
	fput(file);
}

static const char *why_not(int error)
{
	switch (error) {
	case -ENOENT:
		return "there is no such file";
	case -ENOEXEC:
		return "it is not an x86-64 ELF program";
	case -EACCES:
		return "it is not executable";
	case -ENOMEM:
		return "there is too little memory for it";
	case -ELIBBAD:
		return "it needs an interpreter (a dynamic program or a script) that is missing";
	default:
		return "it cannot be run";
	}
}

static bool file_exists(const char *path)
{
	struct file *file = kernel_open(path, O_RDONLY, 0);

	if (IS_ERR(file))
		return false;
	fput(file);
	return true;
}

/* Exec @path. -ELIBBAD when it is there and the interpreter it names is not. */
static int run_program(const char *path)
{
	static const char *const envp[] = {"HOME=/", "TERM=linux",
					   "PATH=/sbin:/usr/sbin:/bin:/usr/bin", NULL};
	const char *argv[MAX_INIT_ARGS] = {path};
	int ret;

	cmdline_init_args(argv + 1, MAX_INIT_ARGS - 1);
	ret = kernel_execve(path, argv, envp);
	return ret == -ENOENT && file_exists(path) ? -ELIBBAD : ret;
}

/* Exec the first program. Returns when task 1 is to go to user mode; does not return otherwise. */
static void run_init(void)
{
	static const char *const candidates[] = {"/init", "/sbin/init", "/etc/init", "/bin/init",
						 "/bin/sh"};
	unsigned int i;
	int ret;

	if (init_path[0]) {
		ret = run_program(init_path);
		if (ret)
			panic_user("init=%s: %s (error %d)", init_path, why_not(ret), -ret);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(candidates); i++) {
		ret = run_program(candidates[i]);
		if (!ret)
			return;
		if (ret != -ENOENT)
			panic_user("cannot start %s: %s (error %d)", candidates[i], why_not(ret),
				   -ret);
	}
	panic_user(
		"no init: the initramfs has no /init, /sbin/init, /etc/init, /bin/init or /bin/sh; "
		"name the program with init=PATH");
}

int init_task_main(void *unused)
{
	set_task_comm(current, "init");
	system_state = SYSTEM_RUNNING;
	rcu_start();
	start_thread_or_panic(kswapd_loop, "kswapd");
	sched_stat_init();
	smp_start_all();
	changes_start();
	pr_info("%u CPU%s, %lu KiB of memory, %lu KiB free\n", num_online_cpus(),
		num_online_cpus() == 1 ? "" : "s", totalram_pages() * (PAGE_SIZE / 1024),
		nr_free_pages() * (PAGE_SIZE / 1024));
	vfs_init();
	if (init_fs(current) || init_files(current))
		panic("no memory for the files of the first task");
	unpack_initramfs();
	drivers_init();
	swap_disk_boot();
	if (ktest_requested())
		ktest_run_all();
	open_console();
	run_init();
	pr_info("init: first user instruction after %llu TSC ticks\n", rdtsc() - boot_entry_tsc);
	return 0;
}
