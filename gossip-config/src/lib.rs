//! The knobs of [`gossip_core::Config`] as people write them: in TOML, and one by one as `knob=value`.
//!
//! [`Settings`] is what differs from a preset. What is not known, and what is out of range, is refused by name.
//!
//! ```
//! use gossip_config::Settings;
//! use gossip_core::{ClusterName, Config};
//!
//! let config = Config::wan(ClusterName::named("doc")?);
//! let config = "budgets.total=62000".parse::<Settings>()?.over(config)?;
//! assert_eq!(gossip_config::checked(config)?.budgets.total, 62_000);
//!
//! let config = "quarantine_ms=10".parse::<Settings>()?.over(config)?;
//! let refused = gossip_config::checked(config).unwrap_err();
//! assert_eq!(refused.to_string(), "quarantine_ms is 10: give 1000 (1s) to 86400000 (1day)");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod assign;
mod error;
mod settings;

pub use assign::{assign, split};
pub use error::SettingsError;
pub use settings::{BudgetSettings, MechanismSettings, Settings, checked, switches};
