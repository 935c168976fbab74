//! What the fuzz targets do with their input; the targets themselves only hand it over.

pub mod cluster;
pub mod config;
pub mod forge;
pub mod records;
pub mod state;
pub mod step;
pub mod summaries;
pub mod write;
