//! What a set of measured numbers says in a few.

use serde::Serialize;

/// A sample and its figures. Of at least one number, all of them finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    sorted: Vec<f64>,
    mean: f64,
    sd: f64,
}

impl Summary {
    /// Sums up the finite ones of `values`; `None` when there is none.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        if sorted.is_empty() {
            return None;
        }
        sorted.sort_by(f64::total_cmp);
        let count = sorted.len() as f64;
        let mean = sorted.iter().sum::<f64>() / count;
        let squares: f64 = sorted.iter().map(|value| (value - mean).powi(2)).sum();
        let sd = (squares / (count - 1.0).max(1.0)).sqrt();
        Some(Self { sorted, mean, sd })
    }

    /// The sample, in ascending order.
    #[must_use]
    pub fn sorted(&self) -> &[f64] {
        &self.sorted
    }

    /// The arithmetic mean.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The standard deviation, corrected for the sample's size (divided by its count less one).
    #[must_use]
    pub fn sd(&self) -> f64 {
        self.sd
    }

    /// The standard error of the mean.
    #[must_use]
    pub fn standard_error(&self) -> f64 {
        self.sd / (self.sorted.len() as f64).sqrt()
    }

    /// The smallest member of the sample that at least a share `q` (0 to 1) of it does not exceed.
    #[must_use]
    pub fn quantile(&self, q: f64) -> f64 {
        let rank = (q * self.sorted.len() as f64).ceil() as usize;
        self.sorted[rank.clamp(1, self.sorted.len()) - 1]
    }
}

impl Serialize for Summary {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Figures {
            mean: f64,
            sd: f64,
            se: f64,
            p50: f64,
            p99: f64,
            max: f64,
        }
        Figures {
            mean: self.mean,
            sd: self.sd,
            se: self.standard_error(),
            p50: self.quantile(0.5),
            p99: self.quantile(0.99),
            max: self.quantile(1.0),
        }
        .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_gives_the_textbook_figures() {
        let summary = Summary::of([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0, f64::NAN]).unwrap();
        assert_eq!(summary.mean(), 5.0);
        assert!((summary.sd() - (32.0f64 / 7.0).sqrt()).abs() < 1e-12);
        assert!((summary.standard_error() - (32.0f64 / 56.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn a_quantile_is_a_member_of_the_sample() {
        let summary = Summary::of((1..=100).map(f64::from)).unwrap();
        assert_eq!([0.0, 0.5, 0.99, 1.0].map(|q| summary.quantile(q)), [1.0, 50.0, 99.0, 100.0]);
    }

    #[test]
    fn one_number_has_no_spread_and_none_has_no_summary() {
        assert_eq!(Summary::of([3.0]).unwrap().standard_error(), 0.0);
        assert_eq!(Summary::of([f64::INFINITY]), None);
    }
}
