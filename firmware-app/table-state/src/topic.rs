use core::fmt;
use core::str::FromStr;

use heapless::String;

use crate::limits::MAX_TABLE_NAME_BYTES;

const ROOT: &str = "baize";
const LONGEST_SUFFIX: &str = "cmd/recalibrate/progress";

/// Bytes of the longest topic: root, name and suffix with the slashes between.
const MAX_TOPIC_BYTES: usize = ROOT.len() + 1 + MAX_TABLE_NAME_BYTES + 1 + LONGEST_SUFFIX.len();

/// A whole topic or topic filter.
pub type TopicString = String<MAX_TOPIC_BYTES>;

/// Why text is no topic of this contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum TopicError {
    /// The name of the table is empty.
    NameEmpty,
    /// The name of the table is longer than [`MAX_TABLE_NAME_BYTES`].
    NameTooLong,
    /// The name of the table has a character that it must not have.
    NameCharacter(char),
    /// The topic does not begin with `baize/<table>/`.
    ForeignRoot,
    /// What follows the table's name is none of the topics.
    UnknownTopic,
}

impl fmt::Display for TopicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameEmpty => f.write_str("the name of the table is empty"),
            Self::NameTooLong => write!(
                f,
                "the name of the table is longer than {MAX_TABLE_NAME_BYTES} characters"
            ),
            Self::NameCharacter(character) => write!(
                f,
                "the name of the table holds {character:?}; use letters, digits, '-', '_' and '.' of ASCII"
            ),
            Self::ForeignRoot => write!(f, "the topic does not begin with \"{ROOT}/<table>/\""),
            Self::UnknownTopic => f.write_str("the topic is none of this version"),
        }
    }
}

impl core::error::Error for TopicError {}

/// The name of a table: ASCII letters, digits, `-`, `_` and `.`, so that it can be a part of a topic and a client id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TableName(String<MAX_TABLE_NAME_BYTES>);

impl TableName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TableName {
    type Err = TopicError;

    fn from_str(name: &str) -> Result<Self, TopicError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() {
            return Err(TopicError::NameEmpty);
        }
        if let Some(character) = name.chars().find(|&c| !allowed(c)) {
            return Err(TopicError::NameCharacter(character));
        }
        String::try_from(name)
            .map(Self)
            .map_err(|_| TopicError::NameTooLong)
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How messages on a topic are to be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Delivery {
    /// Quality of service: 0 at most once, 1 at least once.
    pub qos: u8,
    /// Whether the broker keeps the last one for those who subscribe later.
    pub retained: bool,
}

macro_rules! topics {
    ($($(#[$meaning:meta])* $topic:ident = $suffix:literal, qos $qos:literal, retained $retained:literal;)+) => {
        /// The topics below `baize/<table>/`. Those under `v1` carry binary messages of that major version.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub enum Topic {
            $($(#[$meaning])* $topic,)+
        }

        impl Topic {
            /// Every topic.
            pub const ALL: &'static [Self] = &[$(Self::$topic),+];

            /// What follows `baize/<table>/`.
            pub const fn suffix(self) -> &'static str {
                match self {
                    $(Self::$topic => $suffix,)+
                }
            }

            /// How its messages are to be delivered.
            pub const fn delivery(self) -> Delivery {
                match self {
                    $(Self::$topic => Delivery { qos: $qos, retained: $retained },)+
                }
            }
        }
    };
}

topics! {
    /// Whether the appliance is there: the text of an [`ApplianceStatus`](crate::ApplianceStatus).
    Status = "status", qos 1, retained true;
    /// Whether the camera sends pictures: the text of a [`CameraStatus`](crate::CameraStatus).
    CameraStatus = "status/camera", qos 1, retained true;
    /// How the appliance is, as JSON, once a second.
    Health = "status/health", qos 0, retained true;
    /// A [`TableState`](crate::TableState) whenever anything changed, and at least five a second.
    State = "v1/state", qos 0, retained false;
    /// The same bytes, at most once a second, for those who join late.
    Snapshot = "v1/snapshot", qos 1, retained true;
    /// A [`TableEvent`](crate::TableEvent).
    Event = "v1/event", qos 1, retained false;
    /// The [`Calibration`](crate::Calibration) in use; empty if there is none.
    Calibration = "v1/calibration", qos 1, retained true;
    /// A [`ShotPrediction`](crate::ShotPrediction), while a cue is aiming.
    Prediction = "v1/prediction", qos 0, retained false;
    /// How the binary messages are laid out, as JSON; see [`schema`](crate::schema).
    Schema = "v1/schema", qos 1, retained true;
    /// To the appliance, JSON: calibrate the table or the projector anew, or go back to the installation's calibration.
    Recalibrate = "cmd/recalibrate", qos 1, retained false;
    /// How far a calibration has come, JSON: the stage, and how much of it is done.
    RecalibrateProgress = "cmd/recalibrate/progress", qos 1, retained false;
    /// How it ended, JSON: accepted or refused, why, and the residual in mm.
    RecalibrateResult = "cmd/recalibrate/result", qos 1, retained false;
    /// To the projector controller, JSON: show a pattern.
    PatternRequest = "v1/pattern/request", qos 1, retained false;
    /// From the projector controller, JSON: the pattern is shown now, or why it is not.
    PatternShown = "v1/pattern/shown", qos 1, retained false;
}

impl Topic {
    /// The whole topic of one table.
    pub fn of(self, table: &TableName) -> TopicString {
        self.below(table.as_str())
    }

    /// The filter that subscribes to this topic of every table.
    pub fn of_any_table(self) -> TopicString {
        self.below("+")
    }

    fn below(self, table: &str) -> TopicString {
        let mut topic = TopicString::new();
        for part in [ROOT, "/", table, "/", self.suffix()] {
            topic
                .push_str(part)
                .expect("MAX_TOPIC_BYTES holds the longest name and the longest suffix");
        }
        topic
    }

    /// The table and the topic that a whole topic names.
    ///
    /// # Errors
    /// If it is not below `baize/`, names no valid table, or is none of the topics.
    pub fn parse(topic: &str) -> Result<(TableName, Self), TopicError> {
        let below_root = topic
            .strip_prefix(ROOT)
            .and_then(|rest| rest.strip_prefix('/'))
            .ok_or(TopicError::ForeignRoot)?;
        let (table, suffix) = below_root.split_once('/').ok_or(TopicError::ForeignRoot)?;
        let topic = Self::ALL.iter().find(|topic| topic.suffix() == suffix);
        Ok((table.parse()?, *topic.ok_or(TopicError::UnknownTopic)?))
    }
}
