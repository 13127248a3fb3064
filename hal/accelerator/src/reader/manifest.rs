use serde::Deserialize;

use super::BATCH;
use super::together::FACES;
use crate::manifest::{ManifestError, Trained, check, check_file, check_thresholds};
use crate::model_files::Described;
use crate::signature::{Port, Signature};

/// The faces in the order of the network's outputs.
const CLASSES: [&str; FACES] = [
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "white", "yellow",
    "red", "green", "brown", "blue", "pink", "black",
];

/// No crop needs more.
const MAX_SIDE_PX: u32 = 128;

/// What a reader's model says of itself, in a JSON file beside the ONNX file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ReaderManifest {
    format: u32,
    /// Name of the model.
    pub name: String,
    /// The ONNX file, in the folder of the manifest.
    pub file: String,
    /// SHA-256 of the ONNX file, in hexadecimal digits.
    pub sha256: String,
    /// The network's input.
    pub input: CropsSpec,
    /// The network's output: a logit for each face of each crop.
    pub output: FacesSpec,
    classes: Vec<String>,
    /// From which probability on something is claimed.
    pub thresholds: ReaderThresholds,
    /// Where the weights come from.
    pub trained: Trained,
}

/// The input: so many square crops of RGB, 0 to 1.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct CropsSpec {
    /// Name of the tensor.
    pub name: String,
    /// Crops at a time.
    pub count: u32,
    /// Width and height of a crop.
    pub side: u32,
    /// Side of the square that is cut out, in larger sides of the ball's box.
    pub margin: f32,
}

/// The output.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FacesSpec {
    /// Name of the tensor.
    pub name: String,
}

/// Least probabilities of what is claimed.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct ReaderThresholds {
    /// Of a number, given a pool set.
    pub number: f32,
    /// Of a colour, given a set without numbers.
    pub colour: f32,
    /// Of a kind, whatever the set.
    pub kind: f32,
}

impl ReaderManifest {
    pub(crate) fn signature(&self) -> Signature {
        let side = self.input.side as usize;
        Signature {
            file: self.file.clone(),
            input: Port::new(&self.input.name, [BATCH, 3, side, side]),
            outputs: vec![Port::new(&self.output.name, [BATCH, FACES, 1, 1])],
        }
    }

    fn check(&self) -> Result<(), ManifestError> {
        check_file(self.format, &self.file, &self.sha256)?;
        let CropsSpec {
            count, side, margin, ..
        } = self.input;
        check("input.count", count, count as usize == BATCH, "16")?;
        check(
            "input.side",
            side,
            (8..=MAX_SIDE_PX).contains(&side),
            "between 8 and 128",
        )?;
        check(
            "input.margin",
            margin,
            (1.0..=2.0).contains(&margin),
            "between 1 and 2",
        )?;
        check(
            "classes",
            self.classes.join(", "),
            self.classes == CLASSES,
            "0 to 15, white, yellow, red, green, brown, blue, pink, black",
        )?;
        let ReaderThresholds { number, colour, kind } = self.thresholds;
        check_thresholds(&[
            ("thresholds.number", number),
            ("thresholds.colour", colour),
            ("thresholds.kind", kind),
        ])
    }
}

impl Described for ReaderManifest {
    fn parse(text: &str) -> Result<Self, ManifestError> {
        let manifest: Self =
            serde_json::from_str(text).map_err(|error| ManifestError::Syntax(error.to_string()))?;
        manifest.check()?;
        Ok(manifest)
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
