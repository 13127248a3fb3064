//! The network on rten: pure Rust, part of the program, runs everywhere.

use std::num::NonZeroUsize;
use std::sync::Arc;

use baize_realtime::sealing::{library_scope, seal_this_thread, sealed_role};
use rten::{
    Dimension, Model, ModelOptions, NodeId, RunOptions, ThreadPool, ValueOrView, ValueType, ValueView,
};

use crate::LoadError;
use crate::engine::Engine;
use crate::signature::{Interface, Signature, Tensor};

const NAME: &str = "rten";

pub(crate) struct RtenEngine {
    model: Model,
    thread_count: NonZeroUsize,
    threads: Arc<ThreadPool>,
    input: NodeId,
    input_shape: [usize; 4],
    outputs: Vec<NodeId>,
}

impl RtenEngine {
    pub fn open(signature: &Signature, onnx: &[u8], threads: NonZeroUsize) -> Result<Self, LoadError> {
        let refused = |reason: String| LoadError::Engine {
            backend: NAME,
            file: signature.file.clone(),
            reason,
        };
        let model = ModelOptions::with_all_ops()
            .prepack_weights(true)
            .load(onnx.to_vec())
            .map_err(|error| refused(error.to_string()))?;
        interface(&model).check(signature)?;
        let node = |name: &str| model.node_id(name).map_err(|error| refused(error.to_string()));
        Ok(Self {
            input: node(&signature.input.name)?,
            outputs: signature
                .outputs
                .iter()
                .map(|output| node(&output.name))
                .collect::<Result<_, _>>()?,
            input_shape: signature.input.shape,
            thread_count: threads,
            threads: Arc::new(ThreadPool::with_num_threads(threads.get())),
            model,
        })
    }
}

impl Engine for RtenEngine {
    fn name(&self) -> &'static str {
        NAME
    }

    fn settle(&mut self) {
        self.threads = Arc::new(ThreadPool::with_num_threads(self.thread_count.get()));
    }

    fn infer(&mut self, input: &[f32], outputs: &mut [Vec<f32>]) -> Result<(), String> {
        let _scope = library_scope();
        let picture = ValueView::from_shape(self.input_shape, input).map_err(|error| error.to_string())?;
        let inputs = vec![(self.input, ValueOrView::View(picture))];
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&self.threads)));
        let role = sealed_role();
        // rten works on a thread of its pool; what it allocates there belongs to this thread's library count.
        let values = self.threads.run(|| {
            let _sealed = role.map(seal_this_thread);
            let _scope = library_scope();
            self.model.run(inputs, &self.outputs, Some(options))
        });
        let values = values.map_err(|error| error.to_string())?;
        for (value, output) in values.iter().zip(outputs) {
            let tensor = value.as_tensor_view::<f32>();
            let data = tensor.as_ref().and_then(|tensor| tensor.data());
            let data = data.filter(|data| data.len() == output.len());
            output.copy_from_slice(data.ok_or("an output has another size or type than declared")?);
        }
        Ok(())
    }
}

fn interface(model: &Model) -> Interface {
    let tensors = |ids: &[NodeId]| {
        let nodes = ids.iter().filter_map(|&id| model.node_info(id));
        nodes
            .map(|node| Tensor {
                name: node.name().unwrap_or_default().to_owned(),
                element: match node.dtype() {
                    Some(ValueType::Tensor(element)) => element.to_string(),
                    Some(other) => other.to_string(),
                    None => "elements of unknown type".to_owned(),
                },
                shape: node.shape().map(|shape| shape.into_iter().map(fixed).collect()),
            })
            .collect()
    };
    Interface {
        inputs: tensors(model.input_ids()),
        outputs: tensors(model.output_ids()),
    }
}

fn fixed(size: Dimension) -> Option<usize> {
    match size {
        Dimension::Fixed(size) => Some(size),
        Dimension::Symbolic(_) => None,
    }
}
