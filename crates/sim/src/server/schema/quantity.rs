//! Numbers with units, in their canonical form.

/// Decimal units by power of ten.
const DECIMAL: [(i32, &str); 10] =
    [(18, "E"), (15, "P"), (12, "T"), (9, "G"), (6, "M"), (3, "k"), (0, ""), (-3, "m"), (-6, "u"), (-9, "n")];
const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// The form in which the server keeps a quantity; none for what is no quantity.
pub(super) fn canonical(text: &str) -> Option<String> {
    let at = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '+' | '-')).unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let (digits, decimals) = mantissa(number)?;
    if let Some(power) = BINARY.iter().position(|known| *known == unit) {
        return Some(binary(digits, decimals, power));
    }
    if let Some((power, _)) = DECIMAL.iter().find(|(_, known)| *known == unit) {
        return Some(decimal(digits, power - decimals));
    }
    let power: i32 = unit.strip_prefix(['e', 'E'])?.parse().ok()?;
    (decimals == 0).then(|| if digits == 0 { "0".to_owned() } else { format!("{digits}e{power}") })
}

/// All digits as one number, and how many of them stand behind the point.
fn mantissa(number: &str) -> Option<(i128, i32)> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{fraction}").parse().ok()?;
    Some((digits, i32::try_from(fraction.len()).ok()?))
}

fn decimal(mut digits: i128, mut power: i32) -> String {
    if digits == 0 {
        return "0".to_owned();
    }
    while digits % 10 == 0 {
        digits /= 10;
        power += 1;
    }
    let (unit_power, unit) = DECIMAL.iter().find(|(unit, _)| *unit <= power).unwrap_or(&DECIMAL[9]);
    let digits = (*unit_power..power).fold(digits, |digits, _| digits * 10);
    format!("{digits}{unit}")
}

fn binary(digits: i128, decimals: i32, power: usize) -> String {
    let scaled = (0..=power).fold(digits, |digits, _| digits * 1024);
    let divisor = (0..decimals).fold(1_i128, |divisor, _| divisor * 10);
    if scaled % divisor != 0 {
        return decimal(scaled, -decimals);
    }
    let mut bytes = scaled / divisor;
    if bytes.abs() < 1024 {
        return bytes.to_string();
    }
    let mut unit = "";
    for next in BINARY {
        if bytes % 1024 != 0 || bytes == 0 {
            break;
        }
        bytes /= 1024;
        unit = next;
    }
    format!("{bytes}{unit}")
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn quantities_have_one_form() {
        for (written, kept) in [
            ("1000m", "1"),
            ("0.5", "500m"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("100m", "100m"),
            ("1", "1"),
            ("10", "10"),
            ("2000", "2k"),
            ("0", "0"),
            ("1Ki", "1Ki"),
            ("512", "512"),
            ("8Gi", "8Gi"),
        ] {
            assert_eq!(canonical(written).as_deref(), Some(kept), "{written}");
        }
        assert_eq!(canonical("1Zi"), None);
        assert_eq!(canonical("x"), None);
    }
}
