//! Topics, names of tables, and the texts of the status topics.

mod support;

use baize_table_state::limits::MAX_TABLE_NAME_BYTES;
use baize_table_state::{ApplianceStatus, CameraStatus, Delivery, TableName, Topic, TopicError};
use proptest::prelude::*;
use support::fixed_cases;

fn name(text: &str) -> TableName {
    text.parse().unwrap()
}

#[test]
fn topics_are_those_of_the_contract() {
    let expected = [
        ("baize/t1/status", 1, true),
        ("baize/t1/status/camera", 1, true),
        ("baize/t1/status/health", 0, true),
        ("baize/t1/v1/state", 0, false),
        ("baize/t1/v1/snapshot", 1, true),
        ("baize/t1/v1/event", 1, false),
        ("baize/t1/v1/calibration", 1, true),
        ("baize/t1/v1/prediction", 0, false),
        ("baize/t1/v1/schema", 1, true),
        ("baize/t1/cmd/recalibrate", 1, false),
        ("baize/t1/cmd/recalibrate/progress", 1, false),
        ("baize/t1/cmd/recalibrate/result", 1, false),
        ("baize/t1/v1/pattern/request", 1, false),
        ("baize/t1/v1/pattern/shown", 1, false),
    ];
    assert_eq!(Topic::ALL.len(), expected.len());
    for (topic, (text, qos, retained)) in Topic::ALL.iter().zip(expected) {
        assert_eq!(topic.of(&name("t1")).as_str(), text);
        assert_eq!(topic.delivery(), Delivery { qos, retained });
    }
}

#[test]
fn every_topic_of_the_longest_name_is_built_and_parsed_back() {
    let longest = name(&"x".repeat(MAX_TABLE_NAME_BYTES));
    for &topic in Topic::ALL {
        assert_eq!(Topic::parse(&topic.of(&longest)), Ok((longest.clone(), topic)));
    }
}

#[test]
fn a_filter_of_any_table_has_a_wildcard_in_place_of_the_name() {
    assert_eq!(Topic::State.of_any_table().as_str(), "baize/+/v1/state");
}

#[test]
fn names_that_would_break_a_topic_are_refused_with_the_reason() {
    let refused = |text: &str| text.parse::<TableName>().unwrap_err();
    assert_eq!(refused(""), TopicError::NameEmpty);
    for character in ['/', '+', '#', '$', ' ', '\0', 'ä', '\u{1F3B1}'] {
        assert_eq!(
            refused(&format!("a{character}b")),
            TopicError::NameCharacter(character)
        );
    }
    assert_eq!(
        refused(&"x".repeat(MAX_TABLE_NAME_BYTES + 1)),
        TopicError::NameTooLong
    );
    assert!("back-room_2.left".parse::<TableName>().is_ok());
}

#[test]
fn foreign_topics_are_told_apart() {
    assert_eq!(Topic::parse("homie/t1/status"), Err(TopicError::ForeignRoot));
    assert_eq!(Topic::parse("baize"), Err(TopicError::ForeignRoot));
    assert_eq!(Topic::parse("baizes/t1/status"), Err(TopicError::ForeignRoot));
    assert_eq!(Topic::parse("baize//status"), Err(TopicError::NameEmpty));
    assert_eq!(Topic::parse("baize/t1/v2/state"), Err(TopicError::UnknownTopic));
    assert_eq!(Topic::parse("baize/t1/v1/state/"), Err(TopicError::UnknownTopic));
}

#[test]
fn status_texts_are_read_back_and_nothing_else_is() {
    for status in ApplianceStatus::ALL {
        assert_eq!(
            ApplianceStatus::from_payload(status.as_str().as_bytes()),
            Some(status)
        );
    }
    for status in CameraStatus::ALL {
        assert_eq!(
            CameraStatus::from_payload(status.as_str().as_bytes()),
            Some(status)
        );
    }
    assert_eq!(ApplianceStatus::from_payload(b"Online"), None);
    assert_eq!(CameraStatus::from_payload(b""), None);
}

proptest! {
    #![proptest_config(fixed_cases())]

    #[test]
    fn no_text_makes_the_parser_panic(text in "(baize/)?\\PC{0,90}") {
        if let Ok((table, topic)) = Topic::parse(&text) {
            let built = topic.of(&table);
            prop_assert_eq!(built.as_str(), text);
        }
    }
}
