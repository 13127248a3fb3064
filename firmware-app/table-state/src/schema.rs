//! The content of topic `v1/schema`: what a reader in another language needs to decode the binary messages.
//!
//! One JSON object: the schema key and the fields of every message in order, the element types, units, bit layouts, names
//! of codes, and one golden example in hex with its values. Tests compare it with the types that encode, and read the
//! golden vectors by it alone.

#[cfg(test)]
mod agreement;
mod fields;
mod json;
mod messages;

pub use json::write_json;
