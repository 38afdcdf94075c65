//! Lengths of time as people type them: `15m`, `1h`, `30d`.
//!
//! Place in the flow: `every`, `backfill`, `rescan`. Invariant: one number and one unit, so that
//! nobody has to guess what `1m30` meant.

/// Units with their seconds, longest first.
const UNITS: [(char, i64); 5] = [('w', 604_800), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Longest length of time that anybody may type: ten years.
pub const SECS_MAX: i64 = 3_650 * 86_400;

/// Seconds of `text`. The error is the fix in Russian.
pub fn parse(text: &str) -> Result<i64, String> {
    let trimmed = text.trim();
    let split = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(split);
    let example = "пишите число и единицу: \"15m\" (минуты), \"1h\" (часы), \"30d\" (сутки)";
    let mut letters = unit.trim().chars();
    let (Ok(number), Some(letter), None) = (number.parse::<i64>(), letters.next(), letters.next())
    else {
        return Err(example.to_owned());
    };
    if let Some(latin) = latin(letter) {
        return Err(format!("единица пишется латинской буквой: \"{number}{latin}\""));
    }
    let Some((_, secs)) = UNITS.iter().find(|(name, _)| *name == letter) else {
        return Err(example.to_owned());
    };
    match number.checked_mul(*secs) {
        Some(total) if total <= SECS_MAX => Ok(total),
        _ => Err("не больше десяти лет: \"3650d\"".to_owned()),
    }
}

/// The Latin unit for a Russian or capital letter.
fn latin(letter: char) -> Option<char> {
    match letter {
        'с' | 'S' => Some('s'),
        'м' | 'M' | 'М' => Some('m'),
        'ч' | 'H' | 'Ч' => Some('h'),
        'д' | 'D' | 'Д' => Some('d'),
        'н' | 'W' | 'Н' => Some('w'),
        _ => None,
    }
}

/// `secs` as [`parse`] reads it, in the largest unit that divides it.
#[must_use]
pub fn render(secs: i64) -> String {
    let unit = UNITS.iter().find(|(_, unit)| secs != 0 && secs % unit == 0);
    match unit {
        Some((name, unit)) => format!("{}{name}", secs / unit),
        None => format!("{secs}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes() {
        for (text, secs) in
            [("15m", 900), ("1h", 3_600), ("30d", 2_592_000), ("90s", 90), ("2w", 1_209_600)]
        {
            assert_eq!(parse(text), Ok(secs), "{text}");
            assert_eq!(render(secs), text);
        }
        assert_eq!(parse(" 5 m "), Ok(300));
        assert_eq!(parse("0s"), Ok(0));
        assert_eq!(render(0), "0s");
    }

    #[test]
    fn refuses_with_the_fix() {
        for (text, fix) in [
            ("15", "число и единицу"),
            ("m", "число и единицу"),
            ("1h30m", "число и единицу"),
            ("-5m", "число и единицу"),
            ("15м", "\"15m\""),
            ("1Ч", "\"1h\""),
            ("10M", "\"10m\""),
            ("9999999999999d", "десяти лет"),
            ("4000d", "десяти лет"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.contains(fix), "{text}: {error}");
        }
    }
}
