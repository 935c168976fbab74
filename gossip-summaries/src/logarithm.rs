//! Logarithms in fixed point.

/// Fractional bits of logarithms.
pub(crate) const FRACTION: u32 = 32;

/// The natural logarithm of 2.
const LN_2: u128 = 2_977_044_472;

/// The natural logarithm of a number above 0, with `FRACTION` fractional bits; 0 of 0.
pub(crate) fn ln(number: u64) -> u64 {
    let Some(whole) = number.checked_ilog2() else { return 0 };
    let mut log2 = u64::from(whole);
    // In [1, 2), with 63 fractional bits. Squaring doubles the logarithm, which shows its next bit.
    let mut mantissa = number << (63 - whole);
    for _ in 0..FRACTION {
        let square = (u128::from(mantissa) * u128::from(mantissa)) >> 63;
        let carry = square >> 64;
        mantissa = (square >> carry) as u64;
        log2 = log2 << 1 | carry as u64;
    }
    ((u128::from(log2) * LN_2) >> FRACTION) as u64
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::{FRACTION, ln};

    #[test]
    fn logarithms_are_exact_to_nine_digits() {
        assert_eq!((ln(0), ln(1)), (0, 0));
        for number in (2..5_000).chain([1 << 40, u64::MAX / 3, u64::MAX]) {
            let found = ln(number) as f64 / (1_u64 << FRACTION) as f64;
            assert!((found - (number as f64).ln()).abs() < 5e-9, "{number}: {found}");
        }
    }
}
