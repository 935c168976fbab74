//! The public steps: the one place that knows every plane.

#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzzing;
pub(crate) mod members;
#[expect(clippy::module_inception, reason = "the node, on the floor that has its name")]
pub(crate) mod node;
