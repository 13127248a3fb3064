//! The frame pool: a few slots of memory, each owned by exactly one [`Slot`] handle at a time.
//!
//! Which slots are free is one atomic bit mask: taking and giving back neither locks nor allocates, on any thread.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering};

use baize_frame::SlotMemory;
use baize_realtime::memory::prefault;

use crate::limits::{FRAME_SLOTS, MAX_FRAME_BYTES};

const PAGE_BYTES: usize = 4096;
const _: () = assert!(
    MAX_FRAME_BYTES.is_multiple_of(PAGE_BYTES),
    "each slot starts on a page of its own"
);
const _: () = assert!(FRAME_SLOTS <= 32, "the free mask has 32 bits");

#[repr(C, align(4096))]
struct PoolMemory(core::cell::UnsafeCell<[u8; FRAME_SLOTS * MAX_FRAME_BYTES]>);

// SAFETY: the bytes are reached only through `Slot`s, each of which owns its part alone.
unsafe impl Sync for PoolMemory {}

static SLOT_MEMORY: PoolMemory = PoolMemory(core::cell::UnsafeCell::new([0; FRAME_SLOTS * MAX_FRAME_BYTES]));

static THE_POOL: FramePool = FramePool::over_static_memory();

/// The pool over static memory: the one that replay, simulation and USERPTR capture fill.
pub fn the_pool() -> &'static FramePool {
    &THE_POOL
}

/// A set of at most [`FRAME_SLOTS`] slots of equal size.
pub struct FramePool {
    memory: [AtomicPtr<u8>; FRAME_SLOTS],
    slot_bytes: AtomicUsize,
    /// Bit i: there is a slot i.
    present: AtomicU32,
    /// Bit i: slot i is nobody's.
    free: AtomicU32,
    attached: AtomicBool,
}

impl FramePool {
    const fn over_static_memory() -> Self {
        let base = SLOT_MEMORY.0.get().cast::<u8>();
        let mut memory = [const { AtomicPtr::new(std::ptr::null_mut()) }; FRAME_SLOTS];
        let mut index = 0;
        while index < FRAME_SLOTS {
            // SAFETY: `index` is below FRAME_SLOTS, so the address lies within SLOT_MEMORY.
            memory[index] = AtomicPtr::new(unsafe { base.add(index * MAX_FRAME_BYTES) });
            index += 1;
        }
        let all = u32::MAX >> (32 - FRAME_SLOTS);
        Self {
            memory,
            slot_bytes: AtomicUsize::new(MAX_FRAME_BYTES),
            present: AtomicU32::new(all),
            free: AtomicU32::new(all),
            attached: AtomicBool::new(true),
        }
    }

    /// A pool without slots, for buffers that a driver maps later.
    pub(crate) const fn detached() -> Self {
        Self {
            memory: [const { AtomicPtr::new(std::ptr::null_mut()) }; FRAME_SLOTS],
            slot_bytes: AtomicUsize::new(0),
            present: AtomicU32::new(0),
            free: AtomicU32::new(0),
            attached: AtomicBool::new(false),
        }
    }

    /// Makes `buffers` the slots of this pool. `false`: the pool still has others.
    ///
    /// # Safety
    /// Each buffer must be readable and writable memory of at least `slot_bytes` bytes that nobody else refers to,
    /// from now until [`Self::detach`] returns `true`.
    pub(crate) unsafe fn attach(&'static self, buffers: &[*mut u8], slot_bytes: usize) -> bool {
        if buffers.is_empty() || buffers.len() > FRAME_SLOTS || self.attached.swap(true, Ordering::AcqRel) {
            return false;
        }
        for (place, buffer) in self.memory.iter().zip(buffers) {
            place.store(*buffer, Ordering::Relaxed);
        }
        self.slot_bytes.store(slot_bytes, Ordering::Relaxed);
        let all = u32::MAX >> (32 - buffers.len());
        self.present.store(all, Ordering::Relaxed);
        self.free.store(all, Ordering::Release);
        true
    }

    /// Takes the buffers away from the pool again, if every slot is back. `true`: nobody refers to them any more.
    pub(crate) fn detach(&'static self) -> bool {
        let all = self.present.load(Ordering::Acquire);
        if self
            .free
            .compare_exchange(all, 0, Ordering::AcqRel, Ordering::Relaxed)
            .is_err()
        {
            return false;
        }
        self.present.store(0, Ordering::Release);
        self.attached.store(false, Ordering::Release);
        true
    }

    /// Takes a free slot. `None`: all are in use.
    pub fn take(&'static self) -> Option<Slot> {
        let mut free = self.free.load(Ordering::Relaxed);
        while free != 0 {
            let index = free.trailing_zeros();
            match self.free.compare_exchange_weak(
                free,
                free & !(1 << index),
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => {
                    return Some(Slot {
                        pool: self,
                        index: index as usize,
                    });
                }
                Err(now) => free = now,
            }
        }
        None
    }

    /// Where the slots lie, for hardware that reads them in place. Only for [`the_pool`], which stays where it is.
    pub fn memory(&'static self) -> impl Iterator<Item = SlotMemory> {
        let slots = self.memory.iter().take(self.slots());
        slots.map(|slot| SlotMemory {
            address: slot.load(Ordering::Relaxed).expose_provenance(),
            bytes: self.slot_bytes(),
        })
    }

    /// Slots that nobody owns at this moment.
    pub fn free_slots(&self) -> usize {
        self.free.load(Ordering::Relaxed).count_ones() as usize
    }

    /// Slots of this pool, free or not.
    pub fn slots(&self) -> usize {
        self.present.load(Ordering::Relaxed).count_ones() as usize
    }

    /// Bytes of each slot.
    pub fn slot_bytes(&self) -> usize {
        self.slot_bytes.load(Ordering::Relaxed)
    }

    /// Brings the first `bytes` of every free slot into memory and locks them there, so that no page fault meets the
    /// pipeline. Call it before the pipeline starts.
    ///
    /// # Errors
    /// The memory could not be locked, mostly because the limit RLIMIT_MEMLOCK is too low. It is present all the same,
    /// but may be swapped out.
    pub fn prepare(&'static self, bytes: usize) -> io::Result<()> {
        let mut outcome = Ok(());
        let mut taken: [Option<Slot>; FRAME_SLOTS] = [const { None }; FRAME_SLOTS];
        for place in &mut taken {
            *place = self.take();
        }
        for slot in taken.iter_mut().flatten() {
            let used = &mut slot.bytes_mut()[..bytes.min(self.slot_bytes())];
            prefault(used);
            // SAFETY: the range lies within the slot; locking does not change its contents.
            if unsafe { libc::mlock(used.as_ptr().cast(), used.len()) } != 0 {
                outcome = Err(io::Error::last_os_error());
            }
        }
        outcome
    }
}

/// Prepares a pool and warns where it is not locked.
pub(crate) fn prepare(pool: &'static FramePool, bytes: usize) {
    if let Err(error) = pool.prepare(bytes) {
        log::warn!(
            "frame memory is not locked: {error}; raise the limit RLIMIT_MEMLOCK (LimitMEMLOCK= in systemd)"
        );
    }
}

/// A slot of a pool and the right to its bytes. Dropping it gives it back.
pub struct Slot {
    pool: &'static FramePool,
    index: usize,
}

impl Slot {
    /// Which of the pool's slots this is.
    pub const fn index(&self) -> usize {
        self.index
    }

    /// The slot's bytes.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the pool's memory lives as long as the slot is taken, and this handle is its only owner.
        unsafe { std::slice::from_raw_parts(self.address(), self.pool.slot_bytes()) }
    }

    /// The slot's bytes, to be written.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`; `&mut self` excludes every other reference to them.
        unsafe { std::slice::from_raw_parts_mut(self.address(), self.pool.slot_bytes()) }
    }

    /// Gives the slot up for good: hardware that went out of order may still be reading it.
    pub fn quarantine(self) {
        std::mem::forget(self);
    }

    pub(crate) fn address(&self) -> *mut u8 {
        self.pool.memory[self.index].load(Ordering::Relaxed)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.pool.free.fetch_or(1 << self.index, Ordering::Release);
    }
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Slot({})", self.index)
    }
}
