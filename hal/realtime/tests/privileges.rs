//! What happens with and without the privileges that an appliance has. Capabilities belong to a thread, so each test
//! drops them in one of its own. The limits of the process are lowered for all.

use std::sync::Once;
use std::thread;

use baize_realtime::memory::{MemoryLockError, lock_all};
use baize_realtime::scheduling::{SchedulingError, set_fifo_priority};

#[test]
fn without_the_privilege_scheduling_names_the_capability_and_the_limit() {
    without_privileges(|| {
        let error = set_fifo_priority(10).unwrap_err();
        assert!(
            matches!(error, SchedulingError::NotPermitted { priority: 10 }),
            "{error:?}"
        );
        let advice = error.to_string();
        assert!(
            advice.contains("CAP_SYS_NICE") && advice.contains("LimitRTPRIO=10"),
            "{advice}"
        );
    });
}

#[test]
fn without_the_privilege_locking_names_the_limit_and_locks_nothing() {
    without_privileges(|| {
        let error = lock_all().unwrap_err();
        assert!(
            matches!(error, MemoryLockError::LimitTooLow { limit_bytes: 65_536 }),
            "{error:?}"
        );
        assert!(error.to_string().contains("RLIMIT_MEMLOCK is 64 KiB"), "{error}");
    });
}

#[test]
fn threads_started_by_a_real_time_thread_are_ordinary() {
    let started = thread::spawn(|| {
        set_fifo_priority(10)?;
        // SAFETY: 0 means the calling thread.
        let own_policy = unsafe { libc::sched_getscheduler(0) } & !libc::SCHED_RESET_ON_FORK;
        assert_eq!(own_policy, libc::SCHED_FIFO);
        // SAFETY: 0 means the calling thread.
        let child_policy = thread::spawn(|| unsafe { libc::sched_getscheduler(0) })
            .join()
            .unwrap();
        assert_eq!(child_policy, libc::SCHED_OTHER);
        Ok::<(), SchedulingError>(())
    });
    if let Err(SchedulingError::NotPermitted { .. }) = started.join().unwrap() {
        baize_skips::skipped("the permission for SCHED_FIFO");
    }
}

fn without_privileges(test: impl FnOnce() + Send + 'static) {
    lower_limits();
    thread::spawn(|| {
        drop_capabilities();
        test();
    })
    .join()
    .unwrap();
}

fn lower_limits() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for (resource, limit) in [(libc::RLIMIT_RTPRIO, 0), (libc::RLIMIT_MEMLOCK, 65_536)] {
            let limit = libc::rlimit {
                rlim_cur: limit,
                rlim_max: limit,
            };
            // SAFETY: the limit is initialised and outlives the call.
            assert_eq!(unsafe { libc::setrlimit(resource, &limit) }, 0);
        }
    });
}

/// Gives up all capabilities of the calling thread; anybody may.
fn drop_capabilities() {
    const VERSION_3: u32 = 0x2008_0522;
    let header = [VERSION_3, 0];
    let no_capabilities = [0u32; 6];
    // SAFETY: version 3 of the call reads two words of header and six of data.
    let result = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), no_capabilities.as_ptr()) };
    assert_eq!(result, 0);
}
