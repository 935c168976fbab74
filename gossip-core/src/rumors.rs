pub(crate) const MAX_SENDS: usize = 32;
