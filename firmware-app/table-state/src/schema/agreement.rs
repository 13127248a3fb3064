//! Holds the field tables against the types that encode.

extern crate std;
use std::string::{String, ToString};

use postcard_schema::Schema;
use postcard_schema::schema::{DataModelType as Model, NamedType};

use super::fields::{CODES, Field, TYPES};
use super::messages::MESSAGES;
use crate::calibration::CalibrationMinor0;
use crate::event::EventMinor0;
use crate::prediction::PredictionMinor0;
use crate::state::{StateMinor0, StateMinor1};

/// The wire types that the schema may give for what the codec encodes, first the plain one.
fn described(ty: &NamedType) -> std::vec::Vec<String> {
    let one = |name: &str| std::vec![name.to_string()];
    match ty.ty {
        Model::U8 => one("u8"),
        Model::U16 => one("u16"),
        Model::U32 => one("u32"),
        Model::U64 => one("u64"),
        Model::Option(inner) => described(inner)
            .iter()
            .map(|t| std::format!("option<{t}>"))
            .collect(),
        Model::Seq(inner) => described(inner)
            .iter()
            .map(|t| std::format!("list<{t}>"))
            .collect(),
        Model::Struct(_) => one(ty.name.trim_start_matches("Packed")),
        Model::Tuple(items) => match (items[0].ty, items.len()) {
            (Model::U8, 2) => std::vec!["u16le".to_string(), "i16le".to_string()],
            (Model::U8, 8) => one("bytes8"),
            (Model::F32, 9) => one("f32x9"),
            _ => panic!("a tuple that the schema cannot tell of"),
        },
        _ => panic!("{} has a type that the schema cannot tell of", ty.name),
    }
}

fn assert_describes(fields: &[&Field], ty: &NamedType) {
    let Model::Struct(encoded) = ty.ty else {
        panic!("{} is no struct", ty.name)
    };
    assert_eq!(fields.len(), encoded.len(), "number of fields of {}", ty.name);
    for (field, encoded) in fields.iter().zip(*encoded) {
        assert_eq!(field.name, encoded.name, "in {}", ty.name);
        let possible = described(encoded.ty);
        assert!(
            possible.iter().any(|wire| wire == field.wire),
            "{}.{} is encoded as {possible:?}",
            ty.name,
            field.name
        );
        assert_elements_described(encoded.ty);
    }
}

fn assert_elements_described(ty: &NamedType) {
    match ty.ty {
        Model::Option(inner) | Model::Seq(inner) => assert_elements_described(inner),
        Model::Struct(_) => {
            let name = ty.name.trim_start_matches("Packed");
            let (_, fields) = TYPES.iter().find(|(known, _)| *known == name).expect(name);
            assert_describes(&fields.iter().collect::<std::vec::Vec<_>>(), ty);
        }
        _ => {}
    }
}

#[test]
fn the_field_tables_are_those_of_the_types_that_encode() {
    let encoded: [&[&NamedType]; 4] = [
        &[StateMinor0::SCHEMA, StateMinor1::SCHEMA],
        &[EventMinor0::SCHEMA],
        &[CalibrationMinor0::SCHEMA],
        &[PredictionMinor0::SCHEMA],
    ];
    assert_eq!(MESSAGES.len(), encoded.len());
    for (message, minors) in MESSAGES.iter().zip(encoded) {
        assert_eq!(usize::from(message.minor) + 1, minors.len(), "{}", message.name);
        for (minor, ty) in (0..).zip(minors) {
            let fields = message
                .fields
                .iter()
                .filter(|field| field.since_minor == minor)
                .collect::<std::vec::Vec<_>>();
            assert_describes(&fields, ty);
        }
        assert!(message.fields.is_sorted_by_key(|field| field.since_minor));
    }
}

#[test]
fn every_table_of_codes_that_a_field_names_is_there() {
    let fields = TYPES
        .iter()
        .map(|t| t.1)
        .chain(MESSAGES.iter().map(|m| m.fields))
        .flatten();
    for field in fields.filter(|field| !field.codes.is_empty()) {
        assert!(
            CODES.iter().any(|(name, _)| *name == field.codes),
            "{}",
            field.codes
        );
    }
}
