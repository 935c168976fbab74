//! Events: of one node against a plain model, of several with all that can happen between them, and the bounds.

mod bounds;
mod model;
mod queue;
mod rig;
mod wants;

mod world;
