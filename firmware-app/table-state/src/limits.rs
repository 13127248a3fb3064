//! Capacities of the wire contract, each with its reason.

/// Balls in a state: 22 lie on a snooker table, and no other game has more. More tracks than that are cut to the most
/// certain ones and the state is flagged [`BALLS_OMITTED`](crate::Flags::BALLS_OMITTED).
pub const MAX_BALLS: usize = 22;

/// Pockets of a table: four corners and two in the middle. A carom table has none.
pub const MAX_POCKETS: usize = 6;

/// Straight pieces in a predicted shot: a cue ball over six cushions and five object balls with a few pieces each.
pub const MAX_LEGS: usize = 32;

/// Bytes in a table's name: the longest label of a host name. The default, a machine id, has 32.
pub const MAX_TABLE_NAME_BYTES: usize = 63;

/// Ids a ball can have: seven bits of its packed name. Far more than balls, so that an id rests before it is used again.
pub const MAX_BALL_ID: u8 = 127;

/// Bytes that [`schema::write_json`](crate::schema::write_json) needs at most; a test measures it.
pub const MAX_SCHEMA_JSON_BYTES: usize = 16 * 1024;
