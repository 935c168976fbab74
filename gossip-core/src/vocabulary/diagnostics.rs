//! What the core says for people to read: through `tracing`, `defmt` or `log`, the first of them that is on, or
//! nowhere. Arguments are numbers (ids as `u64`), which all three can print.

/// Says something that an operator may look for after the fact: it happens to members, not to datagrams.
macro_rules! debug {
    ($text:literal $(, $argument:expr)* $(,)?) => {{
        #[cfg(feature = "tracing")]
        tracing::debug!($text $(, $argument)*);
        #[cfg(all(feature = "defmt", not(feature = "tracing")))]
        defmt::debug!($text $(, $argument)*);
        #[cfg(all(feature = "log", not(any(feature = "tracing", feature = "defmt"))))]
        log::debug!($text $(, $argument)*);
        #[cfg(not(any(feature = "tracing", feature = "defmt", feature = "log")))]
        let _ = ($(&$argument,)*);
    }};
}

pub(crate) use debug;
