//! What a network takes and gives: as a manifest says, and compared with what an engine found in the ONNX file.

use std::fmt;

use crate::LoadError;

/// An input or output: its name and its fixed shape, of 32-bit floats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Port {
    pub name: String,
    pub shape: [usize; 4],
}

impl Port {
    pub fn new(name: &str, shape: [usize; 4]) -> Self {
        Self {
            name: name.to_owned(),
            shape,
        }
    }

    fn room(&self) -> Vec<f32> {
        vec![0.0; self.shape.iter().product()]
    }
}

/// What a model's manifest says of its network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signature {
    /// The ONNX file, for errors.
    pub file: String,
    pub input: Port,
    pub outputs: Vec<Port>,
}

impl Signature {
    /// An input of zeros.
    pub fn empty_input(&self) -> Vec<f32> {
        self.input.room()
    }

    /// Room for all outputs, in order.
    pub fn rooms(&self) -> Vec<Vec<f32>> {
        self.outputs.iter().map(Port::room).collect()
    }
}

/// An input or output as an engine found it; sizes that are not fixed are `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tensor {
    pub name: String,
    /// `f32`, or what the engine has instead.
    pub element: String,
    pub shape: Option<Vec<Option<usize>>>,
}

/// What an engine found in the ONNX file.
pub(crate) struct Interface {
    pub inputs: Vec<Tensor>,
    pub outputs: Vec<Tensor>,
}

impl Interface {
    /// Refuses a network that takes or gives something else than its manifest says, naming every difference.
    pub fn check(&self, signature: &Signature) -> Result<(), LoadError> {
        let mut differences = Vec::new();
        compare(
            "input",
            &self.inputs,
            std::slice::from_ref(&signature.input),
            &mut differences,
        );
        compare("output", &self.outputs, &signature.outputs, &mut differences);
        if differences.is_empty() {
            return Ok(());
        }
        Err(LoadError::WrongInterface {
            file: signature.file.clone(),
            differences,
        })
    }
}

impl From<&Port> for Tensor {
    fn from(port: &Port) -> Self {
        Self {
            name: port.name.clone(),
            element: "f32".to_owned(),
            shape: Some(port.shape.map(Some).to_vec()),
        }
    }
}

impl fmt::Display for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.element)?;
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

fn compare(what: &str, found: &[Tensor], expected: &[Port], differences: &mut Vec<String>) {
    for expected in expected.iter().map(Tensor::from) {
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
            Some(found) if *found != expected => {
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
