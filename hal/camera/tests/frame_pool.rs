//! The pool gives every slot to one owner at a time, and gets all of them back.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use baize_camera::limits::{FRAME_SLOTS, MAX_FRAME_BYTES};
use baize_camera::{FramePool, Slot, the_pool};

/// The tests share the one static pool.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn take_all(pool: &'static FramePool) -> Vec<Slot> {
    std::iter::from_fn(|| pool.take()).collect()
}

#[test]
fn every_slot_is_given_once_and_can_be_taken_again_when_it_came_back() {
    let _alone = ONE_AT_A_TIME.lock();
    let mut slots = take_all(the_pool());
    let mut indices: Vec<_> = slots.iter().map(Slot::index).collect();
    indices.sort_unstable();
    assert_eq!(indices, (0..FRAME_SLOTS).collect::<Vec<_>>());
    assert_eq!(the_pool().free_slots(), 0);

    let returned = slots.swap_remove(3);
    let index = returned.index();
    drop(returned);
    assert_eq!(the_pool().take().map(|slot| slot.index()), Some(index));
}

#[test]
fn slots_start_on_pages_and_do_not_overlap() {
    let _alone = ONE_AT_A_TIME.lock();
    let mut slots = take_all(the_pool());
    slots.sort_by_key(|slot| slot.bytes().as_ptr() as usize);
    for pair in slots.windows(2) {
        let [first, second] = [0, 1].map(|at| pair[at].bytes().as_ptr() as usize);
        assert_eq!(first % 4096, 0);
        assert!(second - first >= MAX_FRAME_BYTES);
    }
    assert!(slots.iter().all(|slot| slot.bytes().len() == MAX_FRAME_BYTES));
}

#[test]
fn threads_that_take_and_return_never_hold_the_same_slot() {
    let _alone = ONE_AT_A_TIME.lock();
    let owners: [AtomicU32; FRAME_SLOTS] = Default::default();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for round in 0..20_000 {
                    let held: Vec<_> = (0..=round % 3).filter_map(|_| the_pool().take()).collect();
                    for slot in &held {
                        assert_eq!(
                            owners[slot.index()].fetch_add(1, Ordering::SeqCst),
                            0,
                            "taken twice"
                        );
                    }
                    for slot in &held {
                        owners[slot.index()].fetch_sub(1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    assert_eq!(the_pool().free_slots(), FRAME_SLOTS);
}

#[test]
fn what_one_thread_wrote_the_next_owner_reads() {
    let _alone = ONE_AT_A_TIME.lock();
    let mut slot = the_pool().take().expect("a free slot");
    slot.bytes_mut()[..4].copy_from_slice(b"ball");
    let read = std::thread::spawn(move || slot.bytes()[..4].to_vec()).join();
    assert_eq!(read.expect("the reader ran"), b"ball");
}

#[test]
fn preparing_leaves_the_pool_whole() {
    let _alone = ONE_AT_A_TIME.lock();
    // Locking may be forbidden here; the memory is brought in all the same.
    if let Err(error) = the_pool().prepare(640 * 480 * 2) {
        println!("memory is not locked here: {error}");
    }
    assert_eq!(the_pool().free_slots(), FRAME_SLOTS);
}
