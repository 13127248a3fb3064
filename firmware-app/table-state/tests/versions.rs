//! Readers and writers of different versions, and bytes that are no message at all.

mod support;

use baize_table_state::{
    Calibration, CueAction, CueState, DecodeError, Message, ShotPrediction, TableEvent, TableState, decode,
};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use support::{
    any_calibration, any_event, any_prediction, any_state, bytes_of, empty_table, fixed_cases,
    nine_foot_table, shot_under_way, straight_pot, stripe_potted, unhex,
};

const MINOR_AT: usize = 8;

/// The message as a sender of the next minor version would write it: the new minor, and a field appended.
fn as_next_minor<M: Message>(message: &M, appended: &[u8]) -> Vec<u8> {
    let mut bytes = bytes_of(message);
    bytes[MINOR_AT] = M::MINOR + 1;
    bytes.extend(appended);
    bytes
}

fn assert_old_reader_reads_newer_minor<M: Message + PartialEq + std::fmt::Debug>(message: &M) {
    for appended in [&[][..], &[7], &[0xFF; 40]] {
        let decoded = decode::<M>(&as_next_minor(message, appended)).expect("a newer minor is readable");
        assert_eq!(&decoded.message, message);
        assert_eq!(decoded.newer_minor, Some(M::MINOR + 1));
    }
}

#[test]
fn an_old_reader_reads_what_it_knows_of_a_newer_minor_and_says_so() {
    assert_old_reader_reads_newer_minor(&shot_under_way());
    assert_old_reader_reads_newer_minor(&empty_table());
    assert_old_reader_reads_newer_minor(&stripe_potted());
    assert_old_reader_reads_newer_minor(&nine_foot_table());
    assert_old_reader_reads_newer_minor(&straight_pot());
}

/// The state as a later version might declare it, written from the text of the contract, not from this crate's types.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct LaterState {
    key: [u8; 8],
    minor: u8,
    frame_id: u64,
    exposure_us: u64,
    calibration_id: u32,
    calibration_validity: u8,
    flags: u32,
    balls: heapless::Vec<[u8; 12], 22>,
    cue: Option<[u8; 8]>,
    /// Appended by minor 1.
    cue_state: u8,
    addressed_ball: Option<u8>,
    tip_speed_mm_s: Option<[u8; 2]>,
    /// Appended by minor 2.
    spins_mrad_s: heapless::Vec<i32, 22>,
}

#[test]
fn a_field_appended_by_a_later_version_leaves_the_rest_readable() {
    let mut bytes = bytes_of(&shot_under_way());
    bytes.push(0);
    let mut later: LaterState = postcard::from_bytes(&bytes).expect("the layout is that of the contract");
    later.minor = 2;
    later.spins_mrad_s.extend([4000, -1, 0, 0]);
    let mut buffer = [0; 400];
    let decoded = decode::<TableState>(postcard::to_slice(&later, &mut buffer).unwrap()).unwrap();
    assert_eq!(decoded.message, shot_under_way());
    assert_eq!(decoded.newer_minor, Some(2));
}

#[test]
fn a_later_reader_of_old_bytes_finds_the_end_where_its_new_field_would_be() {
    let later = postcard::from_bytes::<LaterState>(&bytes_of(&shot_under_way()));
    assert_eq!(later, Err(postcard::Error::DeserializeUnexpectedEnd));
}

#[test]
fn a_state_of_minor_0_tells_of_the_cue_what_it_told_then() {
    let seen = decode::<TableState>(&unhex(include_str!("golden/state_minor0.hex")))
        .expect("an older minor is readable");
    assert_eq!(
        seen.message,
        TableState {
            cue_action: CueAction::only(CueState::STRIKING),
            ..shot_under_way()
        }
    );
    assert_eq!(seen.newer_minor, None);
    let unseen = decode::<TableState>(&unhex(include_str!("golden/state_empty_minor0.hex")))
        .expect("an older minor is readable");
    assert_eq!(
        unseen.message,
        TableState {
            cue_action: CueAction::UNKNOWN,
            ..empty_table()
        }
    );
}

#[test]
fn a_cue_that_addresses_no_possible_ball_is_malformed() {
    let mut bytes = bytes_of(&shot_under_way());
    let id_at = bytes.len() - 4;
    bytes[id_at] = 128;
    assert_eq!(malformed(&bytes), "a ball's id is above 127");
}

#[test]
fn each_message_is_foreign_to_the_readers_of_the_others() {
    let event = bytes_of(&stripe_potted());
    let foreign = Err(DecodeError::ForeignKey {
        found: TableEvent::KEY,
    });
    assert_eq!(decode::<TableState>(&event).map(|_| ()), foreign);
    assert_eq!(decode::<Calibration>(&event).map(|_| ()), foreign);
    assert_eq!(decode::<ShotPrediction>(&event).map(|_| ()), foreign);
}

#[test]
fn a_key_with_one_bit_changed_is_foreign() {
    for bit in 0..64 {
        let mut bytes = bytes_of(&shot_under_way());
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(matches!(
            decode::<TableState>(&bytes),
            Err(DecodeError::ForeignKey { .. })
        ));
    }
}

#[test]
fn an_empty_payload_is_a_withdrawal_and_no_garbage() {
    assert_eq!(decode::<Calibration>(&[]), Err(DecodeError::Empty));
}

fn assert_truncation_noticed<M: Message + PartialEq + std::fmt::Debug>(message: &M) {
    let bytes = bytes_of(message);
    for length in 1..bytes.len() {
        assert_eq!(
            decode::<M>(&bytes[..length]),
            Err(DecodeError::Truncated),
            "cut to {length} bytes"
        );
    }
}

#[test]
fn a_message_cut_off_after_any_byte_is_truncated() {
    assert_truncation_noticed(&shot_under_way());
    assert_truncation_noticed(&empty_table());
    assert_truncation_noticed(&stripe_potted());
    assert_truncation_noticed(&nine_foot_table());
    assert_truncation_noticed(&straight_pot());
}

fn malformed(bytes: &[u8]) -> &'static str {
    match decode::<TableState>(bytes) {
        Err(DecodeError::Malformed { what }) => what,
        other => panic!("not found malformed: {other:?}"),
    }
}

#[test]
fn what_no_sender_writes_is_malformed() {
    // Of minor 0, which ends with the cue.
    let good = unhex(include_str!("golden/state_empty_minor0.hex"));
    let with = |at_from_end: usize, byte: u8| {
        let mut bytes = good.clone();
        let at = bytes.len() - at_from_end;
        bytes[at] = byte;
        bytes
    };
    assert_eq!(
        malformed(&[&good[..], &[0]].concat()),
        "bytes follow the end of the message"
    );
    assert_eq!(
        malformed(&with(1, 2)),
        "an optional field is neither there nor absent"
    );
    let too_many = [&with(2, 23)[..], &[0; 23 * 12 + 1]].concat();
    assert_eq!(malformed(&too_many), "a list is longer than it can be");
    let endless_integer = [&good[..9], &[0xFF; 11]].concat();
    assert_eq!(malformed(&endless_integer), "an integer is longer than its type");
    let unseen_at_age_zero = [&with(2, 1)[..], &[0; 12]].concat();
    assert_eq!(
        malformed(&unseen_at_age_zero),
        "a ball is said to be seen and predicted at once"
    );
    let cue_beyond_a_turn = [&with(1, 1)[..], &[0, 0, 0, 0, 0xFF, 0xFF, 0, 0]].concat();
    assert_eq!(
        malformed(&cue_beyond_a_turn),
        "the cue's direction is a full turn or more"
    );
}

#[test]
fn a_homography_that_is_not_finite_is_malformed() {
    let mut bytes = bytes_of(&nine_foot_table());
    let last_float = bytes.len() - 2 - 4;
    bytes[last_float..last_float + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    assert_eq!(
        decode::<Calibration>(&bytes),
        Err(DecodeError::Malformed {
            what: "the projector's homography is not finite"
        })
    );
}

/// Decodes as every message; what decodes must encode to a message that means the same.
fn survives(bytes: &[u8]) {
    fn one<M: Message + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
        if let Ok(decoded) = decode::<M>(bytes) {
            assert_eq!(
                decode::<M>(&bytes_of(&decoded.message)).unwrap().message,
                decoded.message
            );
        }
    }
    one::<TableState>(bytes);
    one::<TableEvent>(bytes);
    one::<Calibration>(bytes);
    one::<ShotPrediction>(bytes);
}

fn with_key<M: Message>(random: &[u8]) -> Vec<u8> {
    [&M::KEY.0[..], random].concat()
}

proptest! {
    #![proptest_config(fixed_cases())]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        survives(&bytes);
    }

    #[test]
    fn random_bytes_behind_a_right_key_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        survives(&with_key::<TableState>(&bytes));
        survives(&with_key::<TableEvent>(&bytes));
        survives(&with_key::<Calibration>(&bytes));
        survives(&with_key::<ShotPrediction>(&bytes));
    }

    #[test]
    fn a_message_with_a_few_bytes_changed_never_panics(
        messages in (any_state(22), any_event(), any_calibration(), any_prediction()),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let (state, event, calibration, prediction) = messages;
        for mut bytes in [bytes_of(&state), bytes_of(&event), bytes_of(&calibration), bytes_of(&prediction)] {
            for (at, byte) in &changes {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            survives(&bytes);
        }
    }
}
