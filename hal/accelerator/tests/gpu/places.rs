//! Memory where pictures lie.

use baize_frame::SlotMemory;

const PAGE_BYTES: usize = 4096;

/// Whole pages, as a frame pool's slot. Outlives the detector that is told of it.
pub struct Place {
    room: Vec<u8>,
    first: usize,
    bytes: usize,
}

impl Place {
    pub fn new(bytes: usize) -> Self {
        let bytes = bytes.next_multiple_of(PAGE_BYTES);
        let room = vec![0; bytes + PAGE_BYTES];
        Self {
            first: room.as_ptr().align_offset(PAGE_BYTES),
            room,
            bytes,
        }
    }

    pub fn memory(&self) -> SlotMemory {
        SlotMemory {
            address: self.bytes().as_ptr().expose_provenance(),
            bytes: self.bytes,
        }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.room[self.first..][..self.bytes]
    }

    pub fn fill(&mut self, picture: &[u8]) {
        self.room[self.first..][..picture.len()].copy_from_slice(picture);
    }
}
