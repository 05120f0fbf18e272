/* SPDX-License-Identifier: BSD-2-Clause */
/* test_kvm_jail.c - a system call that is forbidden ends the child alone */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hw/jail.h"
#include "kvtest.h"

#ifdef KV_HAVE_KVM
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

enum { GOOD = 17, NO_FILTER = 77 };

static void *
thread(void *arg)
{
	*(int *)arg = GOOD;
	return NULL;
}

/* ---- What a guest's process needs ------------------------------------ */

/* => GOOD; NO_FILTER; another number: what failed */
static int
lawful(const void *arg)
{
	char name[] = "/tmp/kvasir-jail-XXXXXX";
	int found = 0, fd;
	pthread_t t;
	char *block;

	if (kv_jail_close() != 0)
		return NO_FILTER;
	fd = mkstemp(name);
	if (fd < 0 || write(fd, arg, 1) != 1 || close(fd) != 0 ||
	    unlink(name) != 0)
		return 1;
	block = malloc(64 << 20);
	if (block == NULL)
		return 2;
	memset(block, 1, 64 << 20);
	free(block);
	if (pthread_create(&t, NULL, thread, &found) != 0 ||
	    pthread_join(t, NULL) != 0)
		return 3;
	isatty(1);
	return found;
}

/* The filter is the system's where it has one: then all of these end. */
static bool
has_filter(void)
{
	return kv_jail_run(lawful, "x") == GOOD;
}

START_TEST(what_is_needed_works)
{
	int status = kv_jail_run(lawful, "x");

	ck_assert_msg(
	    status == GOOD || status == NO_FILTER, "status %d", status);
}
END_TEST

/* ---- What it does not ------------------------------------------------ */

static int
do_fork(void)
{
	return fork() == 0 ? 3 : 4;
}

static int
do_exec(void)
{
	return execl("/bin/true", "true", (char *)NULL);
}

static int
do_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int
do_kill(void)
{
	return kill(getppid(), 0);
}

static int
do_ioctl(void)
{
	return ioctl(0, 0x5412, "x"); /* TIOCSTI: type on the terminal */
}

static int
do_chmod(void)
{
	return chown("/tmp/kvasir-none", 0, 0);
}

static int
do_prctl(void)
{
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

typedef int deed(void);
static deed *const deeds[] = {
    do_fork, do_exec, do_socket, do_kill, do_ioctl, do_chmod, do_prctl};
enum { DEEDS = sizeof(deeds) / sizeof(deeds[0]) };

static int
unlawful(const void *arg)
{
	deed *const *what = arg;

	if (kv_jail_close() != 0)
		return NO_FILTER;
	(*what)();
	return GOOD;
}

START_TEST(forbidden_calls_end_the_child)
{
	if (!has_filter())
		return;
	ck_assert_int_eq(kv_jail_run(unlawful, &deeds[_i]), 1);
	/* and this process goes on */
	ck_assert_int_eq(kv_jail_run(lawful, "y"), GOOD);
}
END_TEST

static int
before(const void *arg)
{
	(void)arg;
	return do_socket() >= 0 ? GOOD : 1;
}

START_TEST(nothing_is_forbidden_before)
{
	ck_assert_int_eq(kv_jail_run(before, NULL), GOOD);
	/* outside of a jail there is none to close */
	ck_assert_int_eq(kv_jail_close(), 0);
	ck_assert_int_ge(do_socket(), 0);
}
END_TEST

static int
no_privileges(const void *arg)
{
	(void)arg;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? GOOD : 1;
}

static int
crash(const void *arg)
{
	(void)arg;
	signal(SIGSEGV, SIG_DFL);
	return raise(SIGSEGV);
}

START_TEST(the_process_itself)
{
	ck_assert_int_eq(kv_jail_run(no_privileges, NULL), GOOD);
	ck_assert_int_eq(kv_jail_run(crash, NULL), 1);
	ck_assert_int_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
}
END_TEST

static void
add_tests(TCase *t)
{
	tcase_add_test(t, what_is_needed_works);
	tcase_add_loop_test(t, forbidden_calls_end_the_child, 0, DEEDS);
	tcase_add_test(t, nothing_is_forbidden_before);
	tcase_add_test(t, the_process_itself);
}
#else
static int
here(const void *arg)
{
	return *(const int *)arg;
}

START_TEST(without_kvm)
{
	int status = 5;

	ck_assert_int_eq(kv_jail_run(here, &status), 5);
	ck_assert_int_eq(kv_jail_close(), ENOSYS);
}
END_TEST

static void
add_tests(TCase *t)
{
	tcase_add_test(t, without_kvm);
}
#endif

int
main(void)
{
	Suite *s = suite_create("jail");
	TCase *t = tcase_create("process");

	add_tests(t);
	suite_add_tcase(s, t);
	return kv_test_main(s);
}
