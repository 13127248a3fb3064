use std::fmt;

use baize_frame::BallKind;
use serde::Deserialize;

use crate::decode::{BALL_CHANNELS, CUE_CHANNELS};
use crate::model_files::Described;
use crate::signature::{Port, Signature};

/// The manifest's format that this crate reads.
const FORMAT: u32 = 1;

/// Names of the kinds, in the order of the network's outputs.
const CLASSES: [&str; BallKind::ALL.len()] = ["cue_ball", "eight_ball", "solid", "stripe", "ball"];

/// Networks of a wider or higher input are not meant for this appliance; the limit keeps a wrong number in a manifest
/// from taking all memory.
const MAX_INPUT_PX: u32 = 4096;

/// What a model says of itself, beside its ONNX file: names and sizes of inputs and outputs, thresholds, hash.
///
/// Keys that are not known are ignored: training may note more.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Manifest {
    format: u32,
    /// Name of the model.
    pub name: String,
    /// Name of the ONNX file, in the same folder.
    pub file: String,
    /// SHA-256 of the ONNX file, 64 hexadecimal digits.
    pub sha256: String,
    /// The picture.
    pub input: InputSpec,
    /// What the network puts out.
    pub outputs: OutputSpecs,
    classes: Vec<String>,
    /// What counts as seen.
    pub thresholds: Thresholds,
    /// By how much people draw boxes around balls wider than the network has them.
    #[serde(default = "unknown_margin")]
    pub box_margin: f32,
    /// Where the weights come from.
    pub trained: Trained,
}

/// The network's input.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct InputSpec {
    /// Its name in the ONNX file.
    pub name: String,
    /// Columns.
    pub width: u32,
    /// Lines.
    pub height: u32,
}

/// The network's outputs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OutputSpecs {
    /// Boxes of balls.
    pub balls: OutputSpec,
    /// Ends of cues.
    pub cues: OutputSpec,
}

/// One output of the network.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OutputSpec {
    /// Its name in the ONNX file.
    pub name: String,
    /// Input pixels from one cell to the next.
    pub stride: u32,
}

/// Probabilities from which on something counts, each between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct Thresholds {
    /// A ball.
    pub ball: f32,
    /// What may be a ball, below `ball`; left out, nothing may.
    #[serde(default)]
    pub doubtful: Option<f32>,
    /// A cue.
    pub cue: f32,
    /// Shared over common area, above which the less probable of two boxes is dropped.
    pub nms_iou: f32,
}

/// Origin of the weights.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Trained {
    /// Day of the training.
    pub date: String,
    /// What it was trained with.
    pub data: String,
}

const fn unknown_margin() -> f32 {
    1.0
}

/// Why a manifest is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ManifestError {
    /// Not JSON, or a key is missing or has the wrong type; the parser's words.
    Syntax(String),
    /// A later format than this program reads.
    UnknownFormat(u32),
    /// A key whose value cannot be.
    Value {
        /// Path of the key.
        key: &'static str,
        /// What stands there.
        found: String,
        /// What would do.
        expected: &'static str,
    },
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(error) => write!(f, "{error}"),
            Self::UnknownFormat(found) => {
                write!(
                    f,
                    "its format is {found}, this program reads format {FORMAT}; use a matching model"
                )
            }
            Self::Value { key, found, expected } => write!(f, "`{key}` is {found}, but has to be {expected}"),
        }
    }
}

impl std::error::Error for ManifestError {}

impl Manifest {
    /// Reads and checks the text of a manifest.
    ///
    /// # Errors
    /// [`ManifestError`] names the key that is wrong.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let manifest: Self =
            serde_json::from_str(text).map_err(|error| ManifestError::Syntax(error.to_string()))?;
        manifest.check()?;
        Ok(manifest)
    }

    /// Width and height of the network's input.
    pub const fn input_px(&self) -> [u32; 2] {
        [self.input.width, self.input.height]
    }

    pub(crate) fn signature(&self) -> Signature {
        let [width, height] = self.input_px().map(|size| size as usize);
        let output = |spec: &OutputSpec, channels| {
            let stride = spec.stride as usize;
            Port::new(&spec.name, [1, channels, height / stride, width / stride])
        };
        Signature {
            file: self.file.clone(),
            input: Port::new(&self.input.name, [1, 3, height, width]),
            outputs: vec![
                output(&self.outputs.balls, BALL_CHANNELS),
                output(&self.outputs.cues, CUE_CHANNELS),
            ],
        }
    }

    fn check(&self) -> Result<(), ManifestError> {
        check_file(self.format, &self.file, &self.sha256)?;
        for (key, size) in [
            ("input.width", self.input.width),
            ("input.height", self.input.height),
        ] {
            check(
                key,
                size,
                (1..=MAX_INPUT_PX).contains(&size),
                "between 1 and 4096",
            )?;
        }
        let outputs = [
            ("outputs.balls.stride", self.outputs.balls.stride),
            ("outputs.cues.stride", self.outputs.cues.stride),
        ];
        for (key, stride) in outputs {
            let divides = stride > 0 && self.input_px().iter().all(|size| size % stride == 0);
            check(key, stride, divides, "a divisor of the input's width and height")?;
        }
        let classes = self.classes == CLASSES;
        check(
            "classes",
            self.classes.join(", "),
            classes,
            "cue_ball, eight_ball, solid, stripe, ball",
        )?;
        check(
            "box_margin",
            self.box_margin,
            (0.5..=2.0).contains(&self.box_margin),
            "between 0.5 and 2",
        )?;
        let Thresholds {
            ball,
            doubtful,
            cue,
            nms_iou,
        } = self.thresholds;
        if let Some(doubtful) = doubtful {
            check(
                "thresholds.doubtful",
                doubtful,
                doubtful > 0.0 && doubtful < ball,
                "above 0 and below thresholds.ball",
            )?;
        }
        let thresholds = [
            ("thresholds.ball", ball),
            ("thresholds.cue", cue),
            ("thresholds.nms_iou", nms_iou),
        ];
        check_thresholds(&thresholds)
    }
}

impl Described for Manifest {
    fn parse(text: &str) -> Result<Self, ManifestError> {
        Self::parse(text)
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn file(&self) -> &str {
        &self.file
    }

    fn sha256(&self) -> &str {
        &self.sha256
    }
}

/// What every manifest says of its file.
pub(crate) fn check_file(format: u32, file: &str, sha256: &str) -> Result<(), ManifestError> {
    if format != FORMAT {
        return Err(ManifestError::UnknownFormat(format));
    }
    let bare_name = !file.is_empty() && !file.contains(['/', '\\']) && file != "..";
    check(
        "file",
        file,
        bare_name,
        "the name of a file in the manifest's folder",
    )?;
    let hash = sha256.len() == 64 && sha256.bytes().all(|digit| digit.is_ascii_hexdigit());
    check("sha256", sha256, hash, "64 hexadecimal digits")
}

pub(crate) fn check_thresholds(thresholds: &[(&'static str, f32)]) -> Result<(), ManifestError> {
    for &(key, threshold) in thresholds {
        check(
            key,
            threshold,
            threshold > 0.0 && threshold < 1.0,
            "between 0 and 1, both excluded",
        )?;
    }
    Ok(())
}

pub(crate) fn check(
    key: &'static str,
    found: impl fmt::Display,
    good: bool,
    expected: &'static str,
) -> Result<(), ManifestError> {
    if good {
        return Ok(());
    }
    Err(ManifestError::Value {
        key,
        found: found.to_string(),
        expected,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{
        "format": 1, "name": "test", "file": "test.onnx",
        "sha256": "00000000000000000000000000000000000000000000000000000000000000ff",
        "input": {"name": "image", "width": 640, "height": 384},
        "outputs": {"balls": {"name": "balls", "stride": 8}, "cues": {"name": "cues", "stride": 16}},
        "classes": ["cue_ball", "eight_ball", "solid", "stripe", "ball"],
        "thresholds": {"ball": 0.5, "cue": 0.5, "nms_iou": 0.45},
        "trained": {"date": "2026-01-01", "data": "none"}, "a_later_note": true
    }"#;

    #[test]
    fn a_good_manifest_is_read_and_unknown_keys_are_ignored() {
        let manifest = Manifest::parse(GOOD).expect("a good manifest");
        assert_eq!(manifest.input_px(), [640, 384]);
        assert_eq!(manifest.outputs.cues.stride, 16);
        assert_eq!(manifest.box_margin, 1.0, "none is said");
    }

    #[test]
    fn a_wrong_value_is_named_with_what_it_has_to_be() {
        let cases = [
            ("\"format\": 1", "\"format\": 2", "its format is 2"),
            ("\"stride\": 8", "\"stride\": 7", "`outputs.balls.stride` is 7"),
            ("\"stride\": 16", "\"stride\": 0", "`outputs.cues.stride` is 0"),
            ("\"width\": 640", "\"width\": 100000", "`input.width` is 100000"),
            (
                "\"solid\", \"stripe\"",
                "\"stripe\", \"solid\"",
                "`classes` is cue_ball, eight_ball, stripe",
            ),
            ("\"ball\": 0.5", "\"ball\": 1.0", "`thresholds.ball` is 1"),
            ("test.onnx", "../test.onnx", "`file` is ../test.onnx"),
            ("00ff", "00fg", "`sha256` is"),
            ("\"cue\": 0.5,", "", "missing field `cue`"),
            ("\"height\": 384", "\"height\": \"384\"", "invalid type: string"),
            (
                "\"format\": 1",
                "\"format\": 1, \"box_margin\": 9",
                "`box_margin` is 9",
            ),
        ];
        for (good, bad, expected) in cases {
            let error = Manifest::parse(&GOOD.replacen(good, bad, 1))
                .expect_err(bad)
                .to_string();
            assert!(error.contains(expected), "{bad}: {error}");
        }
        assert!(matches!(Manifest::parse(""), Err(ManifestError::Syntax(_))));
    }
}
