//! The folder of calibrations: whatever happens while one is written, the reader gets the old one or the new one.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use baize::calibration_file::{Fit, Method, StoredCalibration};
use baize::calibration_store::{CalibrationStore, SLOTS, parse};
use baize_table_vision::geometry::{Calibration, TableSize};

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("baize-store-{}-{number}", std::process::id())))
    }

    fn store(&self) -> CalibrationStore {
        CalibrationStore::at(&self.0)
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.0).expect("a folder");
        entries.map(|entry| entry.expect("an entry").path()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn stored(id: u32) -> StoredCalibration {
    let calibration = Calibration {
        id,
        ..Calibration::seen_from_above(TableSize::FT9, 57.15)
    };
    StoredCalibration::new(
        calibration,
        Method::Automatic,
        Fit::of(&[]),
        [Some(0.5), None, Some(1.0), None],
    )
}

fn newest_id(store: &CalibrationStore) -> Option<u32> {
    store.read().newest().map(|stored| stored.calibration.id)
}

/// The file that holds the newest one.
fn newest_file(folder: &Folder) -> PathBuf {
    let generation =
        |file: &PathBuf| parse(&std::fs::read(file).expect("a file")).map_or(0, |e| e.generation);
    folder.files().into_iter().max_by_key(generation).expect("a slot")
}

fn cut(file: &Path, whole: &[u8], length: usize) {
    std::fs::write(file, &whole[..length]).expect("a file of ours");
}

#[test]
fn an_empty_or_missing_folder_holds_no_calibration_and_no_damage() {
    let folder = Folder::new();
    let kept = folder.store().read();
    assert!(kept.newest().is_none() && kept.damaged.is_empty());
    assert!(folder.store().installation().expect("nothing is wrong").is_none());
}

#[test]
fn the_last_ten_are_kept_and_the_newest_is_in_use() {
    let folder = Folder::new();
    let store = folder.store();
    for id in 1..=14 {
        store.keep(Some(&stored(id))).expect("it can be written");
    }
    let kept = store.read();
    let ids: Vec<u32> = kept
        .history
        .iter()
        .filter_map(|entry| Some(entry.calibration.as_ref()?.calibration.id))
        .collect();
    assert_eq!(ids, (5..=14).rev().collect::<Vec<_>>());
    assert_eq!(newest_id(&store), Some(14));
    assert_eq!(folder.files().len() as u64, SLOTS, "nothing else is left there");
}

#[test]
fn taking_the_calibration_away_is_kept_too() {
    let folder = Folder::new();
    folder.store().keep(Some(&stored(1))).expect("it can be written");
    folder.store().keep(None).expect("it can be written");
    let kept = folder.store().read();
    assert!(kept.newest().is_none());
    assert_eq!((kept.history.len(), kept.last_id()), (2, 1));
}

#[test]
fn a_write_cut_at_any_byte_leaves_the_old_or_the_new_one() {
    let folder = Folder::new();
    let store = folder.store();
    store.keep(Some(&stored(1))).expect("it can be written");
    store.keep(Some(&stored(2))).expect("it can be written");
    let file = newest_file(&folder);
    let whole = std::fs::read(&file).expect("it was just written");

    // The plug is pulled while the new file is written beside the slot.
    std::fs::remove_file(&file).expect("it is there");
    let beside = file.with_extension("new");
    for length in 0..=whole.len() {
        cut(&beside, &whole, length);
        assert_eq!(newest_id(&store), Some(1), "cut at {length}");
    }
    std::fs::remove_file(&beside).expect("it is there");

    // A disk that kept the new name and lost the content.
    for length in 0..whole.len() {
        cut(&file, &whole, length);
        let kept = store.read();
        assert_eq!(
            kept.newest().map(|stored| stored.calibration.id),
            Some(1),
            "cut at {length}"
        );
        assert_eq!(kept.damaged.len(), 1, "cut at {length}: it is said");
        assert!(
            kept.damaged[0].to_string().contains("slot-"),
            "{}",
            kept.damaged[0]
        );
    }
    cut(&file, &whole, whole.len());
    assert_eq!(newest_id(&store), Some(2));
}

#[test]
fn the_tenth_write_cut_at_any_byte_spares_the_nine_before_it() {
    let folder = Folder::new();
    let store = folder.store();
    for id in 1..=13 {
        store.keep(Some(&stored(id))).expect("it can be written");
    }
    let file = newest_file(&folder);
    let whole = std::fs::read(&file).expect("it was just written");
    for length in (0..whole.len()).step_by(7) {
        cut(&file, &whole, length);
        assert_eq!(newest_id(&store), Some(12), "cut at {length}");
    }
    store.keep(Some(&stored(14))).expect("it can be written");
    assert_eq!(newest_id(&store), Some(14));
    assert!(
        store.read().damaged.is_empty(),
        "the damaged slot is the one written next"
    );
}

#[test]
fn a_bit_that_flips_anywhere_is_noticed() {
    let folder = Folder::new();
    let store = folder.store();
    store.keep(Some(&stored(1))).expect("it can be written");
    let whole = std::fs::read(newest_file(&folder)).expect("it was just written");
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        if let Ok(entry) = parse(&flipped) {
            // The case of a checksum's digit is the only thing that does not matter.
            assert_eq!(entry, parse(&whole).expect("it is whole"), "at {at}");
        }
    }
}

#[test]
fn the_calibration_of_the_installation_outlives_all_others() {
    let folder = Folder::new();
    let store = folder.store();
    store.commission(&stored(1)).expect("it can be written");
    for id in 2..=30 {
        store.keep(Some(&stored(id))).expect("it can be written");
    }
    let installation = store
        .installation()
        .expect("it can be read")
        .expect("it is there");
    assert_eq!(installation.calibration.id, 1);
}

#[test]
fn noise_is_no_calibration() {
    for noise in [
        &b""[..],
        b"\n",
        b"null",
        b"baize-calibration 1 0\nnull",
        b"\xff\xff\n\xff",
    ] {
        assert!(parse(noise).is_err());
    }
}
