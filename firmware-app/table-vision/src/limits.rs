//! Capacities of the table stage, each with its reason. What one picture may show is limited in `baize_frame`, what a
//! state may hold in `baize_table_state`.

/// Balls that are followed at once: 22 on a snooker table, and 18 that are not yet believed in, or no longer.
pub const MAX_TRACKS: usize = 40;

/// Observations of one exposure: one for each ball detected.
pub const MAX_OBSERVATIONS: usize = baize_frame::limits::MAX_BALL_DETECTIONS;

/// Incidents that one exposure makes known: the impacts of an interval, those that waited, and a start for each ball.
pub const MAX_INCIDENTS: usize = MAX_IMPACTS + MAX_PENDING + MAX_TRACKS;

/// Events of one exposure: its incidents; each ball may vanish, and be corrected in its identity; the table as a whole
/// may come to rest, be cleared or be set up.
pub const MAX_EVENTS: usize = MAX_INCIDENTS + 2 * MAX_TRACKS + 3;

/// Impacts between two exposures: a break at 30 frames a second has a score of them in one interval; what is beyond is
/// seen as balls that were hit.
pub const MAX_IMPACTS: usize = 24;

/// Impacts and starts that wait to be told apart from noise: each ball may wait for its start and for an impact.
pub const MAX_PENDING: usize = 2 * MAX_TRACKS;

/// Ways of balls that are fitted to what was seen, to tell or to find an impact, in one exposure. One fit takes some 40 us,
/// so this is what an exposure has to spare; after a break dozens are due at once, and wait for the next exposures.
pub const MAX_FITS: usize = 5;

/// So many of them may look for contacts that nobody expected: the others are for impacts that happened.
pub const MAX_SEARCHES: usize = 3;

/// Pairs of balls that wait to be searched for a contact: more than a break brings in a tenth of a second. What is beyond
/// is not searched.
pub const MAX_SUSPECTED: usize = 64;

/// Sightings of the cue's tip that are kept: at 120 frames a second the last swing, and the tenth of a second that may pass
/// until the strike is known.
pub const MAX_TIPS: usize = 32;
