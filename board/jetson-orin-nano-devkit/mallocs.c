// Counts what each thread asks of malloc, whoever asks: `gcc -shared -fPIC -O2 -o mallocs.so mallocs.c`, then LD_PRELOAD. At its
// end the process writes a line for each thread into the file that BAIZE_MALLOCS names: calls, and the thread's name.

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#define THREADS_MAX 512

// The allocator's own names in glibc.
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *memory, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);

static struct {
    unsigned long calls;
    char name[16];
} threads[THREADS_MAX];
static atomic_uint taken = 1;
static __thread unsigned own __attribute__((tls_model("initial-exec")));

static void count(void)
{
    if (own == 0) {
        own = atomic_fetch_add(&taken, 1);
    }
    if (own >= THREADS_MAX) {
        return;
    }
    unsigned long calls = ++threads[own].calls;
    // A thread gets its name after its first calls.
    if (calls < 64 || calls % 64 == 0) {
        prctl(PR_GET_NAME, threads[own].name);
    }
}

void *malloc(size_t bytes)
{
    count();
    return __libc_malloc(bytes);
}

void *calloc(size_t number, size_t bytes)
{
    count();
    return __libc_calloc(number, bytes);
}

void *realloc(void *memory, size_t bytes)
{
    count();
    return __libc_realloc(memory, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    count();
    return __libc_memalign(alignment, bytes);
}

void *memalign(size_t alignment, size_t bytes)
{
    count();
    return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **memory, size_t alignment, size_t bytes)
{
    count();
    void *taken_memory = __libc_memalign(alignment, bytes);
    if (!taken_memory) {
        return ENOMEM;
    }
    *memory = taken_memory;
    return 0;
}

__attribute__((destructor)) static void report(void)
{
    const char *path = getenv("BAIZE_MALLOCS");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) {
        return;
    }
    unsigned last = atomic_load(&taken);
    for (unsigned thread = 1; thread < last && thread < THREADS_MAX; ++thread) {
        fprintf(file, "%lu %s\n", threads[thread].calls, threads[thread].name);
    }
    if (last > THREADS_MAX) {
        fprintf(file, "0 more threads than are counted\n");
    }
    fclose(file);
}
