use core::fmt::{Result, Write};

use super::fields::{CODES, ENCODINGS, Field, RULES, TYPES};
use super::messages::{Layout, MESSAGES};
use crate::key::{FULL_SCHEMA_HASH, MAJOR, SchemaKey};
use crate::units::Sigma;

/// A state with a cue and four balls, as it stands on the wire; a test holds it against the codec.
const EXAMPLE_HEX: &str = include_str!("../../tests/golden/state.hex");
/// The values in it.
const EXAMPLE_VALUES: &str = include_str!("../../tests/golden/state.json");

/// Writes the payload of topic `v1/schema`: at most
/// [`MAX_SCHEMA_JSON_BYTES`](crate::limits::MAX_SCHEMA_JSON_BYTES) of JSON.
///
/// # Errors
/// Only those of `out`.
pub fn write_json(out: &mut impl Write) -> Result {
    write!(
        out,
        r#"{{"schema":"baize","major":{MAJOR},"full_schema_hash":"{}","#,
        SchemaKey(FULL_SCHEMA_HASH)
    )?;
    out.write_str(r#""rules":"#)?;
    list(out, RULES, |out, rule| write!(out, r#""{rule}""#))?;
    out.write_str(r#","encodings":"#)?;
    object(out, ENCODINGS, |out, (name, how)| {
        write!(out, r#""{name}":"{how}""#)
    })?;
    out.write_str(r#","messages":"#)?;
    object(out, MESSAGES, message)?;
    out.write_str(r#","types":"#)?;
    object(out, TYPES, |out, (name, fields)| {
        write!(out, r#""{name}":"#)?;
        list(out, fields, field)
    })?;
    out.write_str(r#","codes":"#)?;
    object(out, CODES, |out, (name, codes)| {
        write!(out, r#""{name}":"#)?;
        object(out, codes, |out, (code, word)| {
            write!(out, r#""{code}":"{word}""#)
        })
    })?;
    out.write_str(r#","sigma_tenth_mm":"#)?;
    list(out, &Sigma::STEPS_TENTH_MM, |out, step| write!(out, "{step}"))?;
    write!(
        out,
        r#","example":{{"message":"state","hex":"{}","values":{}}}}}"#,
        EXAMPLE_HEX.trim_ascii(),
        EXAMPLE_VALUES.trim_ascii()
    )
}

fn message<W: Write>(out: &mut W, message: &Layout) -> Result {
    write!(out, r#""{}":{{"topics":"#, message.name)?;
    list(out, message.topics, |out, topic| write!(out, r#""{topic}""#))?;
    write!(
        out,
        r#","key":"{}","minor":{},"max_bytes":{},"fields":"#,
        message.key, message.minor, message.max_bytes
    )?;
    list(out, message.fields, field)?;
    out.write_char('}')
}

fn field<W: Write>(out: &mut W, field: &Field) -> Result {
    write!(out, r#"{{"name":"{}","type":"{}""#, field.name, field.wire)?;
    if !field.unit.is_empty() {
        write!(out, r#","unit":"{}""#, field.unit)?;
    }
    if field.offset != 0 {
        write!(out, r#","offset":{}"#, field.offset)?;
    }
    if !field.codes.is_empty() {
        write!(out, r#","codes":"{}""#, field.codes)?;
    }
    if !field.bits.is_empty() {
        out.write_str(r#","bits":"#)?;
        list(out, field.bits, |out, bits| {
            write!(
                out,
                r#"{{"name":"{}","at":{},"width":{},"about":"{}"}}"#,
                bits.name, bits.at, bits.width, bits.about
            )
        })?;
    }
    if field.since_minor != 0 {
        write!(out, r#","since_minor":{}"#, field.since_minor)?;
    }
    write!(out, r#","about":"{}"}}"#, field.about)
}

fn list<W: Write, T>(out: &mut W, items: &[T], item: impl FnMut(&mut W, &T) -> Result) -> Result {
    out.write_char('[')?;
    separated(out, items, item)?;
    out.write_char(']')
}

fn object<W: Write, T>(out: &mut W, items: &[T], item: impl FnMut(&mut W, &T) -> Result) -> Result {
    out.write_char('{')?;
    separated(out, items, item)?;
    out.write_char('}')
}

fn separated<W: Write, T>(out: &mut W, items: &[T], mut item: impl FnMut(&mut W, &T) -> Result) -> Result {
    for (at, value) in items.iter().enumerate() {
        if at > 0 {
            out.write_char(',')?;
        }
        item(out, value)?;
    }
    Ok(())
}
