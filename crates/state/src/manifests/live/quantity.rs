//! Kubernetes' numbers with units: the API server stores `0.5` as `500m`.

use serde_json::Value;

/// Both are the same number; texts that are no quantity are the same if they are equal.
pub fn same(first: &Value, second: &Value) -> bool {
    first == second || nano(first).zip(nano(second)).is_some_and(|(first, second)| first == second)
}

/// In units of 10⁻⁹, below which Kubernetes rounds up.
fn nano(quantity: &Value) -> Option<i128> {
    let text = match quantity {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let end = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '+' | '-')).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let size = digits.checked_mul(nanos(unit)?)?;
    let parts = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    Some(size.checked_add(parts - 1)?.div_euclid(parts))
}

fn nanos(unit: &str) -> Option<i128> {
    const DECIMAL: [&str; 10] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
    const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    let power = |base: i128, index: usize| base.checked_pow(u32::try_from(index).ok()?);
    if let Some(index) = DECIMAL.iter().position(|known| *known == unit) {
        return power(1000, index);
    }
    if let Some(index) = BINARY.iter().position(|known| *known == unit) {
        return power(1024, index + 1)?.checked_mul(1_000_000_000);
    }
    let exponent: i32 = unit.strip_prefix(['e', 'E'])?.parse().ok()?;
    power(10, usize::try_from(exponent.checked_add(9)?).ok()?)
}
