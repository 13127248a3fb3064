//! What a network takes and gives, as an engine found it in the ONNX file, compared with the manifest.

use std::fmt;

use crate::decode::{BALL_CHANNELS, CUE_CHANNELS};
use crate::{LoadError, Manifest};

/// An input or output of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tensor {
    pub name: String,
    /// False where the elements are something else than 32-bit floats.
    pub is_f32: bool,
    /// `None` where a size is not fixed; `None` altogether where the file does not say.
    pub shape: Option<Vec<Option<usize>>>,
}

/// All inputs and outputs of a network.
pub(crate) struct Interface {
    pub inputs: Vec<Tensor>,
    pub outputs: Vec<Tensor>,
}

impl Interface {
    /// Accepts what is exactly as the manifest says.
    pub fn check(&self, manifest: &Manifest) -> Result<(), LoadError> {
        let [width, height] = manifest.input_px().map(|size| size as usize);
        let output = |name: &str, channels, stride_px: u32| {
            let stride_px = stride_px as usize;
            Tensor::fixed(name, [1, channels, height / stride_px, width / stride_px])
        };
        let balls = &manifest.outputs.balls;
        let cues = &manifest.outputs.cues;
        let mut differences = Vec::new();
        compare(
            "input",
            &self.inputs,
            &[Tensor::fixed(&manifest.input.name, [1, 3, height, width])],
            &mut differences,
        );
        let outputs = [
            output(&balls.name, BALL_CHANNELS, balls.stride),
            output(&cues.name, CUE_CHANNELS, cues.stride),
        ];
        compare("output", &self.outputs, &outputs, &mut differences);
        if differences.is_empty() {
            return Ok(());
        }
        Err(LoadError::WrongInterface {
            file: manifest.file.clone(),
            differences,
        })
    }
}

impl Tensor {
    fn fixed(name: &str, shape: [usize; 4]) -> Self {
        Self {
            name: name.to_owned(),
            is_f32: true,
            shape: Some(shape.map(Some).to_vec()),
        }
    }
}

impl fmt::Display for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_f32 { "f32" } else { "not f32" })?;
        let Some(shape) = &self.shape else {
            return f.write_str(" of unknown shape");
        };
        f.write_str(" [")?;
        for (axis, size) in shape.iter().enumerate() {
            let comma = if axis == 0 { "" } else { ", " };
            match size {
                Some(size) => write!(f, "{comma}{size}")?,
                None => write!(f, "{comma}?")?,
            }
        }
        f.write_str("]")
    }
}

fn compare(what: &str, found: &[Tensor], expected: &[Tensor], differences: &mut Vec<String>) {
    for expected in expected {
        match found.iter().find(|found| found.name == expected.name) {
            None => {
                let names: Vec<_> = found.iter().map(|found| format!("`{}`", found.name)).collect();
                let there = if names.is_empty() {
                    "none".to_owned()
                } else {
                    names.join(", ")
                };
                differences.push(format!("{what} `{}` is missing, there is {there}", expected.name));
            }
            Some(found) if found != expected => {
                differences.push(format!(
                    "{what} `{}` is {found}, expected {expected}",
                    expected.name
                ));
            }
            Some(_) => {}
        }
    }
    for found in found {
        if !expected.iter().any(|expected| expected.name == found.name) {
            differences.push(format!("{what} `{}` is not in the manifest", found.name));
        }
    }
}
