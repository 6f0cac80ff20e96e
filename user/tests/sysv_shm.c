/* SPDX-License-Identifier: MIT */
/*
 * System V shared memory: shmget, shmat, shmdt, shmctl, and how fork, exec and exit count.
 */
#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#define PAGE 4096L

static long nattch(int id)
{
	struct shmid_ds ds;

	CHECK(shmctl(id, IPC_STAT, &ds) == 0);
	return (long)ds.shm_nattch;
}

static void test_shm_basic(void)
{
	int id = shmget(IPC_PRIVATE, 3 * PAGE - 5, IPC_CREAT | 0600);
	struct shmid_ds ds;
	char *a, *b;

	CHECK(id >= 0 && nattch(id) == 0);
	a = shmat(id, NULL, 0);
	b = shmat(id, NULL, 0);
	CHECK(a != (void *)-1 && b != (void *)-1 && a != b && nattch(id) == 2);
	a[0] = 1;
	a[3 * PAGE - 1] = 2; /* the last page is whole */
	CHECK(b[0] == 1 && b[3 * PAGE - 1] == 2 && b[PAGE] == 0);
	CHECK(shmdt(a) == 0 && nattch(id) == 1 && b[0] == 1);
	CHECK_ERRNO(shmdt(a), EINVAL);
	CHECK(shmctl(id, IPC_STAT, &ds) == 0);
	CHECK(ds.shm_segsz == 3 * PAGE - 5 && ds.shm_cpid == getpid() && ds.shm_lpid == getpid());
	CHECK((ds.shm_perm.mode & 0777) == 0600 && ds.shm_perm.uid == geteuid());
	CHECK(ds.shm_atime > 1000000000 && ds.shm_dtime >= ds.shm_atime &&
	      ds.shm_ctime > 1000000000);
	CHECK(shmdt(b) == 0 && shmctl(id, IPC_RMID, NULL) == 0);
	errno = 0;
	CHECK(shmctl(id, IPC_STAT, &ds) == -1 && (errno == EINVAL || errno == EIDRM));
}

static void test_shm_key(void)
{
	key_t key = 0x5e000000 | (getpid() & 0xffffff);
	int id;

	CHECK_ERRNO(shmget(key, PAGE, 0600), ENOENT);
	id = shmget(key, 2 * PAGE, IPC_CREAT | IPC_EXCL | 0640);
	CHECK(id >= 0);
	CHECK(shmget(key, PAGE, 0600) == id && shmget(key, 0, 0) == id);
	CHECK(shmget(key, 2 * PAGE, IPC_CREAT | 0600) == id);
	CHECK_ERRNO(shmget(key, PAGE, IPC_CREAT | IPC_EXCL), EEXIST);
	CHECK_ERRNO(shmget(key, 3 * PAGE, 0), EINVAL);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
	CHECK_ERRNO(shmget(key, PAGE, 0600), ENOENT);
	CHECK_ERRNO(shmget(IPC_PRIVATE, 0, IPC_CREAT | 0600), EINVAL);
}

/* A removed segment lives until its last detach, and its key is free at once. */
static void test_shm_doomed(void)
{
	key_t key = 0x5f000000 | (getpid() & 0xffffff);
	int id = shmget(key, PAGE, IPC_CREAT | 0600), again;
	struct shmid_ds ds;
	char *a = shmat(id, NULL, 0), *b;

	a[7] = 77;
	CHECK(shmctl(id, IPC_RMID, NULL) == 0 && a[7] == 77);
	CHECK(shmctl(id, IPC_STAT, &ds) == 0 && ds.shm_perm.mode & SHM_DEST && ds.shm_nattch == 1);
	CHECK(ds.shm_perm.__key == IPC_PRIVATE);
	again = shmget(key, PAGE, IPC_CREAT | IPC_EXCL | 0600);
	CHECK(again >= 0 && again != id);
	b = shmat(id, NULL, 0);
	CHECK(b != (void *)-1 && b[7] == 77 && nattch(id) == 2);
	CHECK(shmdt(a) == 0 && b[7] == 77 && shmdt(b) == 0);
	CHECK(shmat(id, NULL, 0) == (void *)-1 && (errno == EINVAL || errno == EIDRM));
	CHECK(shmctl(again, IPC_RMID, NULL) == 0);
}

static void test_shm_fork(void)
{
	int id = shmget(IPC_PRIVATE, 4 * PAGE, IPC_CREAT | 0600), status;
	volatile char *a = shmat(id, NULL, 0);
	pid_t pid;

	a[0] = 1;
	pid = fork();
	if (!pid) {
		CHECK(a[0] == 1 && nattch(id) == 2);
		a[1] = 2;
		CHECK(shmdt((char *)a) == 0 && nattch(id) == 1);
		CHECK(shmat(id, NULL, 0) != (void *)-1 && shmat(id, NULL, 0) != (void *)-1);
		CHECK(nattch(id) == 3);
		_exit(0); /* exit detaches */
	}
	CHECK_CHILD(pid);
	CHECK(a[1] == 2 && nattch(id) == 1);
	pid = fork();
	if (!pid) {
		execl("/proc/self/exe", "sysv_shm", "nothing", NULL);
		_exit(1);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(nattch(id) == 1); /* exec detached the copy */
	CHECK(shmctl(id, IPC_RMID, NULL) == 0 && shmdt((char *)a) == 0);
}

static sigjmp_buf fault_jump;

static void on_fault(int sig)
{
	siglongjmp(fault_jump, 1);
}

static void test_shm_rdonly(void)
{
	int id = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0600);
	volatile char *rw = shmat(id, NULL, 0), *ro = shmat(id, NULL, SHM_RDONLY);
	volatile int wrote = 0;

	rw[0] = 5;
	CHECK(ro[0] == 5);
	signal(SIGSEGV, on_fault);
	if (!sigsetjmp(fault_jump, 1)) {
		ro[0] = 6;
		wrote = 1;
	}
	CHECK(!wrote && rw[0] == 5);
	CHECK_ERRNO(mprotect((void *)ro, PAGE, PROT_READ | PROT_WRITE), EACCES);
	CHECK(mprotect((void *)rw, PAGE, PROT_READ) == 0);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
}

static void test_shm_address(void)
{
	int id = shmget(IPC_PRIVATE, 3 * PAGE, IPC_CREAT | 0600);
	char *place = mmap(NULL, 8 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *a;

	CHECK_ERRNO(shmat(id, place, 0), EINVAL); /* somebody is there */
	CHECK_ERRNO(shmat(id, place + 1, 0), EINVAL);
	CHECK_ERRNO(shmat(id, NULL, SHM_REMAP), EINVAL);
	a = shmat(id, place + PAGE + 77, SHM_RND | SHM_REMAP);
	CHECK(a == place + PAGE);
	a[0] = 1;
	CHECK(place[0] == 0 && place[4 * PAGE] == 0 && nattch(id) == 1);
	/* in pieces: each VMA counts, one shmdt takes all of them */
	CHECK(mprotect(a + PAGE, PAGE, PROT_READ) == 0 && nattch(id) == 3);
	CHECK(munmap(a + PAGE, PAGE) == 0 && nattch(id) == 2);
	CHECK(shmdt(a) == 0 && nattch(id) == 0);
	CHECK(munmap(place, 8 * PAGE) == 0);
	CHECK(shmat(id, place, 0) == place && shmdt(place) == 0);
	CHECK_ERRNO(shmdt(place), EINVAL);
	CHECK_ERRNO(shmdt(place + 1), EINVAL);
	CHECK_ERRNO(shmat(-1, NULL, 0), EINVAL);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
}

static void test_shm_ctl(void)
{
	int id = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0600), last, index;
	struct shminfo limits;
	struct shm_info usage;
	struct shmid_ds ds, other;

	last = shmctl(0, IPC_INFO, (struct shmid_ds *)&limits);
	CHECK(last >= 0 && limits.shmmin == 1 && limits.shmmni >= 1);
	CHECK(shmctl(0, SHM_INFO, (struct shmid_ds *)&usage) == last && usage.used_ids >= 1);
	for (index = 0; index <= last; index++)
		if (shmctl(index, SHM_STAT, &ds) == id)
			break;
	CHECK(index <= last && ds.shm_segsz == PAGE);
	CHECK(shmctl(index, 15 /* SHM_STAT_ANY */, &other) == id);
	ds.shm_perm.mode = 0404;
	CHECK(shmctl(id, IPC_SET, &ds) == 0 && shmctl(id, IPC_STAT, &ds) == 0);
	CHECK((ds.shm_perm.mode & 0777) == 0404);
	CHECK(shmctl(id, SHM_LOCK, NULL) == 0 && shmctl(id, IPC_STAT, &ds) == 0);
	CHECK(ds.shm_perm.mode & SHM_LOCKED);
	CHECK(shmctl(id, SHM_UNLOCK, NULL) == 0);
	CHECK_ERRNO(shmctl(id, 77, &ds), EINVAL);
	CHECK_ERRNO(shmctl(-1, IPC_STAT, &ds), EINVAL);
	CHECK_ERRNO(syscall(SYS_shmctl, id, IPC_STAT, 8L), EFAULT);
	CHECK_ERRNO(syscall(SYS_shmctl, id, IPC_SET, 8L), EFAULT);
	ds.shm_perm.uid = (uid_t)-1;
	CHECK_ERRNO(shmctl(id, IPC_SET, &ds), EINVAL);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
}

static void test_shm_permission(void)
{
	int id = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0604);
	pid_t pid;

	if (geteuid())
		return;
	pid = fork();
	if (!pid) {
		CHECK(setresgid(1234, 1234, 1234) == 0 && setresuid(1234, 1234, 1234) == 0);
		CHECK_ERRNO(shmat(id, NULL, 0), EACCES);
		CHECK(shmat(id, NULL, SHM_RDONLY) != (void *)-1);
		CHECK_ERRNO(shmctl(id, IPC_RMID, NULL), EPERM);
		_exit(0);
	}
	CHECK_CHILD(pid);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
}

static void test_shm_proc(void)
{
	int id = shmget(IPC_PRIVATE, 3 * PAGE, IPC_CREAT | 0600), found = 0, number;
	char line[512], want[64];
	char *a = shmat(id, NULL, 0);
	unsigned long size, rss;
	FILE *f = fopen("/proc/sysvipc/shm", "r");

	memset(a, 1, 2 * PAGE);
	CHECK(f && fgets(line, sizeof(line), f) && strstr(line, "nattch") &&
	      strstr(line, "swap\n"));
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%*d %d %*o %lu %*d %*d 1 %*d %*d %*d %*d %*d %*d %*d %lu",
			   &number, &size, &rss) == 3 &&
		    number == id)
			found += size == 3 * (unsigned long)PAGE && rss <= 2 * (unsigned long)PAGE;
	CHECK(found == 1);
	fclose(f);
	f = fopen("/proc/self/maps", "r");
	snprintf(want, sizeof(want), "%lx-%lx rw-s 00000000 00:01 %-5d", (long)a,
		 (long)a + 3 * PAGE, id);
	for (found = 0; fgets(line, sizeof(line), f);)
		found += !strncmp(line, want, strlen(want)) &&
			 strstr(line, " /SYSV00000000 (deleted)\n");
	CHECK(found == 1);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
}

/* Attach, detach, fork and exit from several processes at once leave no count behind. */
static void test_shm_storm(void)
{
	int id = shmget(IPC_PRIVATE, 2 * PAGE, IPC_CREAT | 0600);
	volatile int *shared = shmat(id, NULL, 0);
	pid_t pids[4];

	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		for (int n = 0; n < 200; n++) {
			volatile int *mine = shmat(id, NULL, 0);

			CHECK(mine != (void *)-1);
			__atomic_fetch_add(mine, 1, __ATOMIC_SEQ_CST);
			if (n % 20 == 0) {
				pid_t pid = fork();

				if (!pid)
					_exit(shmdt((void *)mine) ? 1 : 0);
				CHECK_CHILD(pid);
			}
			CHECK(shmdt((void *)mine) == 0);
		}
		_exit(0);
	}
	for (int i = 0; i < 4; i++)
		CHECK_CHILD(pids[i]);
	CHECK(*shared == 800 && nattch(id) == 1);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
}

static int place;

/* Attach and detach whatever is in the place, also what has gone. */
static void *attacher(void *arg)
{
	while (!__atomic_load_n((int *)arg, __ATOMIC_SEQ_CST)) {
		void *p = shmat(__atomic_load_n(&place, __ATOMIC_SEQ_CST), NULL, 0);

		if (p != (void *)-1)
			CHECK(shmdt(p) == 0);
	}
	return NULL;
}

static int segments(void)
{
	struct shm_info info;

	CHECK(shmctl(0, SHM_INFO, (struct shmid_ds *)&info) >= 0);
	return info.used_ids;
}

/* A segment that is found, doomed, and attached after its last detach goes once. */
static void test_shm_doomed_storm(void)
{
	int before = segments(), stop = 0;
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		CHECK(pthread_create(&threads[i], NULL, attacher, &stop) == 0);
	for (int i = 0; i < 1500; i++) {
		int id = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0600);
		int next = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0600);
		void *p = shmat(id, NULL, 0);

		__atomic_store_n(&place, id, __ATOMIC_SEQ_CST);
		CHECK(p != (void *)-1 && shmctl(id, IPC_RMID, NULL) == 0 && shmdt(p) == 0);
		/* what is in the place now is not taken away by those who come late */
		CHECK(nattch(next) >= 0 && shmctl(next, IPC_RMID, NULL) == 0);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < 2; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	CHECK(segments() == before);
}

/* RLIMIT_MEMLOCK of one who may not lock as much as he likes: his segments count together. */
static void test_shm_lock_limit(void)
{
	struct rlimit limit = {4 * PAGE, 4 * PAGE};
	int a, b;

	CHECK(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
	CHECK(setuid(65534) == 0);
	a = shmget(IPC_PRIVATE, 3 * PAGE, IPC_CREAT | 0600);
	b = shmget(IPC_PRIVATE, 2 * PAGE, IPC_CREAT | 0600);
	CHECK(a >= 0 && b >= 0);
	CHECK(shmctl(a, SHM_LOCK, NULL) == 0 && shmctl(a, SHM_LOCK, NULL) == 0);
	CHECK_ERRNO(shmctl(b, SHM_LOCK, NULL), ENOMEM);
	CHECK(shmctl(a, SHM_UNLOCK, NULL) == 0);
	CHECK(shmctl(b, SHM_LOCK, NULL) == 0);
	CHECK_ERRNO(shmctl(a, SHM_LOCK, NULL), ENOMEM);
	CHECK(shmctl(b, IPC_RMID, NULL) == 0);
	CHECK(shmctl(a, SHM_LOCK, NULL) == 0);
	CHECK(shmctl(a, IPC_RMID, NULL) == 0);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return 0; /* test_shm_fork */
	TEST(test_shm_basic);
	TEST(test_shm_key);
	TEST(test_shm_doomed);
	TEST(test_shm_fork);
	TEST(test_shm_rdonly);
	TEST(test_shm_address);
	TEST(test_shm_ctl);
	TEST(test_shm_permission);
	TEST(test_shm_proc);
	TEST(test_shm_lock_limit);
	TEST(test_shm_storm);
	TEST(test_shm_doomed_storm);
	return test_done();
}
