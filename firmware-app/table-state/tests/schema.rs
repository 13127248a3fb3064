//! A reader that knows nothing but the published schema: the way other languages decode.

mod support;

use baize_table_state::limits::MAX_SCHEMA_JSON_BYTES;
use baize_table_state::schema::write_json;
use serde_json::{Map, Value, json};
use support::{bytes_of, hex, shot_under_way, unhex};

fn schema_text() -> String {
    let mut text = String::new();
    write_json(&mut text).expect("a String takes any text");
    text
}

/// Decodes by the schema alone. Panics on bytes that do not fit it, as befits a test.
struct Reader<'a> {
    schema: &'a Value,
    rest: &'a [u8],
}

impl Reader<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.rest.split_first().expect("more bytes");
        self.rest = rest;
        *first
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        core::array::from_fn(|_| self.byte())
    }

    fn varint(&mut self) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let byte = self.byte();
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return value;
            }
        }
        unreachable!()
    }

    fn record(&mut self, fields: &Value) -> Value {
        let mut record = Map::new();
        for field in fields.as_array().expect("fields") {
            let value = self.value(field["type"].as_str().expect("type"), field);
            record.insert(field["name"].as_str().expect("name").into(), value);
        }
        Value::Object(record)
    }

    fn value(&mut self, wire: &str, field: &Value) -> Value {
        if let Some(inner) = inner_of(wire, "option<") {
            return if self.byte() == 0 {
                Value::Null
            } else {
                self.value(inner, field)
            };
        }
        if let Some(inner) = inner_of(wire, "list<") {
            return (0..self.varint())
                .map(|_| self.value(inner, &Value::Null))
                .collect();
        }
        let integer = match wire {
            "u8" => i128::from(self.byte()),
            "u16" | "u32" | "u64" => i128::from(self.varint()),
            "u16le" => u16::from_le_bytes(self.bytes()).into(),
            "i16le" => i16::from_le_bytes(self.bytes()).into(),
            "bytes8" => return Value::String(hex(&self.bytes::<8>())),
            "f32x9" => return (0..9).map(|_| json!(f32::from_le_bytes(self.bytes()))).collect(),
            element => return self.record(&self.schema["types"][element]),
        };
        match field["bits"].as_array() {
            None => json!(integer as i64 + field["offset"].as_i64().unwrap_or(0)),
            Some(parts) => {
                let part = |part: &Value| {
                    let [at, width] = ["at", "width"].map(|key| part[key].as_u64().expect(key));
                    let name = part["name"].as_str().expect("name").to_string();
                    (name, json!(integer as u64 >> at & ((1 << width) - 1)))
                };
                Value::Object(parts.iter().map(part).collect())
            }
        }
    }
}

fn inner_of<'t>(wire: &'t str, outer: &str) -> Option<&'t str> {
    wire.strip_prefix(outer)?.strip_suffix('>')
}

fn read_by_schema(schema: &Value, message: &str, hex: &str) -> Value {
    let bytes = unhex(hex);
    let mut reader = Reader { schema, rest: &bytes };
    let value = reader.record(&schema["messages"][message]["fields"]);
    assert!(reader.rest.is_empty(), "bytes left over");
    value
}

#[test]
fn the_schema_is_json_within_its_limit() {
    let text = schema_text();
    println!("schema: {} bytes", text.len());
    assert!(text.len() <= MAX_SCHEMA_JSON_BYTES);
    let schema: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(schema["major"], 1);
    assert_eq!(schema["codes"]["event_kind"]["4"], "potted");
}

#[test]
fn a_reader_that_knows_only_the_schema_reads_the_golden_messages() {
    let schema: Value = serde_json::from_str(&schema_text()).expect("JSON");
    let golden = [
        (
            "state",
            include_str!("golden/state.hex"),
            include_str!("golden/state.json"),
        ),
        (
            "state",
            include_str!("golden/state_empty.hex"),
            include_str!("golden/state_empty.json"),
        ),
        (
            "state",
            include_str!("golden/state_uncalibrated.hex"),
            include_str!("golden/state_uncalibrated.json"),
        ),
        (
            "event",
            include_str!("golden/event.hex"),
            include_str!("golden/event.json"),
        ),
        (
            "calibration",
            include_str!("golden/calibration.hex"),
            include_str!("golden/calibration.json"),
        ),
        (
            "prediction",
            include_str!("golden/prediction.hex"),
            include_str!("golden/prediction.json"),
        ),
    ];
    for (message, hex, values) in golden {
        let expected: Value = serde_json::from_str(values).expect("golden values");
        assert_eq!(read_by_schema(&schema, message, hex), expected, "{message}");
        assert_eq!(expected["header"]["key"], schema["messages"][message]["key"]);
    }
}

#[test]
fn the_example_in_the_schema_is_a_state_that_the_codec_writes() {
    let schema: Value = serde_json::from_str(&schema_text()).expect("JSON");
    let example = &schema["example"];
    assert_eq!(example["hex"], hex(&bytes_of(&shot_under_way())));
    let read = read_by_schema(&schema, "state", example["hex"].as_str().expect("hex"));
    assert_eq!(read, example["values"]);
    // The values themselves, against the message as it was written down.
    let cue_ball = &read["balls"][0];
    assert_eq!(
        cue_ball["position"],
        json!({"x_tenth_mm": 9124, "y_tenth_mm": 6301})
    );
    assert_eq!(cue_ball["velocity"], json!({"x_mm_s": 3120, "y_mm_s": -45}));
    assert_eq!(cue_ball["tag"]["moving"], 1);
    assert_eq!(
        schema["sigma_tenth_mm"][cue_ball["sigma_confidence"]["sigma_step"].as_u64().unwrap() as usize],
        12
    );
    assert_eq!(
        read["balls"][3]["tag"],
        json!({"id": 17, "kind": 4, "face": 11, "moving": 0, "seen": 1})
    );
    assert_eq!(read["cue"]["direction_centidegrees"], 35_917);
}
