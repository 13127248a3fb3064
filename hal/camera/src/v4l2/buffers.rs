//! Our own buffer handling: the driver writes into slots, either our memory (USERPTR) or its own, mapped (MMAP).

use std::io;
use std::ptr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use v4l::v4l_sys::{v4l2_memory_V4L2_MEMORY_MMAP, v4l2_memory_V4L2_MEMORY_USERPTR};

use super::device::{
    DQBUF, Device, Plain, QBUF, QUERYBUF, REQBUFS, VIDEO_CAPTURE, v4l2_buffer, v4l2_requestbuffers,
};
use crate::limits::FRAME_SLOTS;
use crate::pool::{FramePool, Slot, the_pool};

/// With fewer buffers the driver would run out of them while two pictures are being worked on.
const FEWEST_BUFFERS: usize = 4;

/// How long a pipeline may keep slots of a camera that is gone, before opening it again is refused.
const PATIENCE: Duration = Duration::from_secs(2);

const PAGE_BYTES: usize = 4096;

/// The slots over a driver's mapped buffers.
static MAPPED_POOL: FramePool = FramePool::detached();

/// Mappings of a closed camera, some slots of which were still in use when it was closed.
static LEFT_BEHIND: Mutex<Option<Vec<Mapping>>> = Mutex::new(None);

/// Which memory the driver writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Memory {
    UserPtr,
    Mmap,
}

impl Memory {
    const fn code(self) -> u32 {
        match self {
            Self::UserPtr => v4l2_memory_V4L2_MEMORY_USERPTR,
            Self::Mmap => v4l2_memory_V4L2_MEMORY_MMAP,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::UserPtr => "USERPTR",
            Self::Mmap => "MMAP",
        }
    }
}

/// The buffers of a stream. Those queued belong to the driver; their slots are kept here meanwhile.
pub(super) struct Buffers {
    memory: Memory,
    pool: &'static FramePool,
    /// Bytes of each buffer.
    length: usize,
    /// The slots that the driver has, each at its index.
    queued: [Option<Slot>; FRAME_SLOTS],
    mappings: Vec<Mapping>,
    /// The flags of the first buffer, which tell what its stamps will mean.
    pub(super) flags: u32,
}

impl Buffers {
    /// The driver shall write into the slots of [`the_pool`].
    pub(super) fn user_pointers(device: &Device, size_bytes: usize) -> io::Result<Self> {
        let length = size_bytes.next_multiple_of(PAGE_BYTES);
        if length > the_pool().slot_bytes() {
            return Err(io::Error::other("its pictures are larger than a slot"));
        }
        if request(device, Memory::UserPtr, FRAME_SLOTS)? < FRAME_SLOTS {
            return Err(io::Error::other(
                "the driver takes fewer buffers than there are slots",
            ));
        }
        let flags = query(device, Memory::UserPtr, 0).map_or(0, |buffer| buffer.flags);
        Ok(Self::new(Memory::UserPtr, the_pool(), length, Vec::new(), flags))
    }

    /// The driver's own buffers shall be slots.
    pub(super) fn mapped(device: &Device) -> io::Result<Self> {
        if !unmap_left_behind() {
            return Err(io::Error::other(
                "pictures of the camera that was open before are still in use",
            ));
        }
        let granted = request(device, Memory::Mmap, FRAME_SLOTS)?.min(FRAME_SLOTS);
        if granted < FEWEST_BUFFERS {
            return Err(io::Error::other("the driver grants fewer than four buffers"));
        }
        let mut mappings = Vec::with_capacity(granted);
        let mut flags = 0;
        for index in 0..granted {
            let buffer = query(device, Memory::Mmap, index)?;
            flags = buffer.flags;
            mappings.push(Mapping::new(device, &buffer)?);
        }
        let length = mappings.iter().map(|mapping| mapping.length).min().unwrap_or(0);
        let addresses: Vec<*mut u8> = mappings.iter().map(|mapping| mapping.address).collect();
        // SAFETY: each mapping is at least `length` bytes that only this pool refers to; they are unmapped in `drop`
        // or `unmap_left_behind`, after `detach` said that every slot is back.
        if !unsafe { MAPPED_POOL.attach(&addresses, length) } {
            return Err(io::Error::other(
                "another camera of this process uses mapped buffers",
            ));
        }
        Ok(Self::new(Memory::Mmap, &MAPPED_POOL, length, mappings, flags))
    }

    fn new(
        memory: Memory,
        pool: &'static FramePool,
        length: usize,
        mappings: Vec<Mapping>,
        flags: u32,
    ) -> Self {
        Self {
            memory,
            pool,
            length,
            queued: [const { None }; FRAME_SLOTS],
            mappings,
            flags,
        }
    }

    pub(super) const fn memory(&self) -> Memory {
        self.memory
    }

    pub(super) const fn length(&self) -> usize {
        self.length
    }

    /// How many buffers the driver has.
    pub(super) fn queued(&self) -> usize {
        self.queued.iter().flatten().count()
    }

    /// Gives every free slot to the driver.
    pub(super) fn queue_free_slots(&mut self, device: &Device) -> io::Result<()> {
        while let Some(slot) = self.pool.take() {
            self.queue(device, slot)?;
        }
        Ok(())
    }

    /// Gives this slot to the driver.
    pub(super) fn queue(&mut self, device: &Device, slot: Slot) -> io::Result<()> {
        let index = slot.index();
        let mut buffer = blank(self.memory, index);
        if self.memory == Memory::UserPtr {
            buffer.m.userptr = slot.address() as std::os::raw::c_ulong;
            buffer.length = u32::try_from(self.length).map_err(io::Error::other)?;
        }
        // From here on the driver may write to the slot: it stays in `queued`, where nobody looks into it, until the
        // driver gives it back, or until the device is closed.
        device.call(QBUF, &mut buffer)?;
        self.queued[index] = Some(slot);
        Ok(())
    }

    /// Takes a filled buffer from the driver. `WouldBlock`: there is none.
    pub(super) fn dequeue(&mut self, device: &Device) -> io::Result<(Slot, v4l2_buffer)> {
        let mut buffer = blank(self.memory, 0);
        device.call(DQBUF, &mut buffer)?;
        let slot = self.queued.get_mut(buffer.index as usize).and_then(Option::take);
        let slot = slot.ok_or_else(|| io::Error::from_raw_os_error(libc::EPROTO))?;
        Ok((slot, buffer))
    }
}

impl Drop for Buffers {
    fn drop(&mut self) {
        self.queued = [const { None }; FRAME_SLOTS];
        if self.memory == Memory::Mmap && !MAPPED_POOL.detach() {
            let mut left_behind = LEFT_BEHIND.lock().unwrap_or_else(PoisonError::into_inner);
            *left_behind = Some(std::mem::take(&mut self.mappings));
        }
    }
}

/// Unmaps what an earlier camera left. `false`: its slots did not come back.
fn unmap_left_behind() -> bool {
    let mut left_behind = LEFT_BEHIND.lock().unwrap_or_else(PoisonError::into_inner);
    let begin = Instant::now();
    while left_behind.is_some() {
        if MAPPED_POOL.detach() {
            *left_behind = None;
        } else if begin.elapsed() > PATIENCE {
            return false;
        } else {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    true
}

fn blank(memory: Memory, index: usize) -> v4l2_buffer {
    v4l2_buffer {
        index: index as u32,
        type_: VIDEO_CAPTURE,
        memory: memory.code(),
        ..v4l2_buffer::zeroed()
    }
}

/// Asks for buffers; returns how many the driver grants.
fn request(device: &Device, memory: Memory, count: usize) -> io::Result<usize> {
    let mut wish = v4l2_requestbuffers {
        count: count as u32,
        type_: VIDEO_CAPTURE,
        memory: memory.code(),
        ..v4l2_requestbuffers::zeroed()
    };
    device.call(REQBUFS, &mut wish)?;
    Ok(wish.count as usize)
}

fn query(device: &Device, memory: Memory, index: usize) -> io::Result<v4l2_buffer> {
    let mut buffer = blank(memory, index);
    device.call(QUERYBUF, &mut buffer)?;
    Ok(buffer)
}

/// A driver's buffer in our address space.
struct Mapping {
    address: *mut u8,
    length: usize,
}

// SAFETY: the address is only kept here to be unmapped; any thread may do that.
unsafe impl Send for Mapping {}

impl Mapping {
    fn new(device: &Device, buffer: &v4l2_buffer) -> io::Result<Self> {
        let length = buffer.length as usize;
        // SAFETY: after QUERYBUF for MMAP the driver has filled in this member.
        let offset = unsafe { buffer.m.offset };
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping, placed by the kernel, overlaps nothing that exists.
        let address = unsafe {
            libc::mmap(
                ptr::null_mut(),
                length,
                access,
                libc::MAP_SHARED,
                device.descriptor(),
                offset.into(),
            )
        };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(Self {
            address: address.cast(),
            length,
        })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: this mapping is ours, and the pool has been detached from it: no slot refers to it.
        unsafe { libc::munmap(self.address.cast(), self.length) };
    }
}
