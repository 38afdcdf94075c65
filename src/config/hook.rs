//! The body of a webhook: a text with places to fill in.
//!
//! Place in the flow: typed in `[webhook]`, filled in by the webhook notifier. Invariant: what is
//! filled in is escaped for the body's media type, so no text can break out of its place.

/// What stands for what, in the order REFERENCE.md names them.
pub const PLACES: [&str; 6] = ["id", "at", "subject", "text", "short", "to"];

/// Characters of `{short}`: one SMS in Cyrillic holds 70, gateways join two at the usual price.
const SHORT_CHARS_MAX: usize = 130;

/// How values are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyForm {
    /// `application/json`.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `text/plain`.
    Plain,
}

impl BodyForm {
    /// All forms with the word of the configuration.
    pub const ALL: [(&'static str, BodyForm); 3] =
        [("json", BodyForm::Json), ("form", BodyForm::Form), ("text", BodyForm::Plain)];

    /// The media type.
    #[must_use]
    pub fn mime(self) -> &'static str {
        match self {
            BodyForm::Json => "application/json; charset=utf-8",
            BodyForm::Form => "application/x-www-form-urlencoded",
            BodyForm::Plain => "text/plain; charset=utf-8",
        }
    }

    fn escape(self, value: &str) -> String {
        match self {
            BodyForm::Json => {
                let quoted = serde_json::Value::from(value).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }
            BodyForm::Form => form_urlencoded::byte_serialize(value.as_bytes()).collect(),
            BodyForm::Plain => value.to_owned(),
        }
    }
}

/// What fills the places.
#[derive(Debug, Clone, Copy)]
pub struct HookValues<'a> {
    /// Stable id of the delivery.
    pub id: &'a str,
    /// When it was decided, RFC 3339.
    pub at: &'a str,
    /// One line.
    pub subject: &'a str,
    /// The whole text.
    pub text: &'a str,
    /// What stands behind `#` in the receiver's address: a phone number, a room.
    pub to: &'a str,
}

/// A checked body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookBody {
    form: BodyForm,
    /// Fixed texts and names of places, in turn.
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Fixed(String),
    Place(&'static str),
}

impl HookBody {
    /// Checks a body as typed; the error is a Russian sentence. A brace that opens no known place
    /// stands for itself, so JSON needs no escaping; `{name}` that looks like a place must be one.
    pub fn parse(text: &str, form: BodyForm) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut fixed = String::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let (before, tail) = rest.split_at(open);
            fixed.push_str(before);
            let name = tail[1..].split('}').next().unwrap_or_default();
            let looks = !name.is_empty()
                && name.len() + 1 < tail.len()
                && name.chars().all(|c| c.is_ascii_lowercase());
            if !looks {
                fixed.push('{');
                rest = &tail[1..];
                continue;
            }
            let Some(place) = PLACES.into_iter().find(|place| *place == name) else {
                let known = PLACES.map(|place| format!("{{{place}}}")).join(", ");
                return Err(format!("нет такого места {{{name}}}, есть {known}"));
            };
            parts.push(Part::Fixed(std::mem::take(&mut fixed)));
            parts.push(Part::Place(place));
            rest = &tail[name.len() + 2..];
        }
        fixed.push_str(rest);
        parts.push(Part::Fixed(fixed));
        let body = Self { form, parts };
        body.prove()?;
        Ok(body)
    }

    /// A body that is to be JSON must be JSON whatever fills it.
    fn prove(&self) -> Result<(), String> {
        let hostile = "\"\\\n{}";
        let values =
            HookValues { id: hostile, at: hostile, subject: hostile, text: hostile, to: hostile };
        let filled = self.fill(&values);
        if self.form == BodyForm::Json
            && serde_json::from_str::<serde::de::IgnoredAny>(&filled).is_err()
        {
            return Err("это не JSON: места пишутся внутри кавычек, \"{text}\"".to_owned());
        }
        Ok(())
    }

    /// The media type to send it under.
    #[must_use]
    pub fn mime(&self) -> &'static str {
        self.form.mime()
    }

    /// The body with its places filled in.
    #[must_use]
    pub fn fill(&self, values: &HookValues<'_>) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Fixed(text) => out.push_str(text),
                Part::Place(name) => {
                    let short;
                    let value = match *name {
                        "id" => values.id,
                        "at" => values.at,
                        "subject" => values.subject,
                        "to" => values.to,
                        "short" => {
                            short = shorten(values.subject);
                            &short
                        }
                        _ => values.text,
                    };
                    out.push_str(&self.form.escape(value));
                }
            }
        }
        out
    }
}

/// The subject as one SMS.
fn shorten(subject: &str) -> String {
    if subject.chars().count() <= SHORT_CHARS_MAX {
        return subject.to_owned();
    }
    subject.chars().take(SHORT_CHARS_MAX - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: HookValues<'_> = HookValues {
        id: "d1",
        at: "2026-11-22T03:00:00Z",
        subject: "Отопление: \"Онохой\" & Ко",
        text: "строка\nвторая",
        to: "+70000000000",
    };

    #[test]
    fn every_form_keeps_what_fills_it_inside_its_place() {
        for (form, typed, expected) in [
            (
                BodyForm::Json,
                "{\"phone\": \"{to}\", \"m\": {\"t\": \"{subject}\"}}",
                "{\"phone\": \"+70000000000\", \"m\": {\"t\": \"Отопление: \\\"Онохой\\\" & Ко\"}}",
            ),
            (
                BodyForm::Form,
                "to={to}&x={text}",
                "to=%2B70000000000&x=%D1%81%D1%82%D1%80%D0%BE\
             %D0%BA%D0%B0%0A%D0%B2%D1%82%D0%BE%D1%80%D0%B0%D1%8F",
            ),
            (
                BodyForm::Plain,
                "{id} {at}: {short}",
                "d1 2026-11-22T03:00:00Z: Отопление: \"Онохой\" & Ко",
            ),
        ] {
            assert_eq!(HookBody::parse(typed, form).expect(typed).fill(&VALUES), expected);
        }
    }

    #[test]
    fn a_body_that_cannot_hold_is_refused_with_the_fix() {
        for (form, typed, words) in [
            (BodyForm::Json, "{\"text\": {text}}", "внутри кавычек"),
            (BodyForm::Json, "{\"text\": \"{tekst}\"}", "нет такого места {tekst}"),
            (BodyForm::Plain, "{phone}", "{to}"),
        ] {
            let fault = HookBody::parse(typed, form).expect_err(typed);
            assert!(fault.contains(words), "{fault}");
        }
    }

    #[test]
    fn a_long_subject_fits_two_sms() {
        let long = "о".repeat(400);
        let body = HookBody::parse("{short}", BodyForm::Plain).expect("a place");
        let filled = body.fill(&HookValues { subject: &long, ..VALUES });
        assert_eq!(filled.chars().count(), SHORT_CHARS_MAX);
        assert!(filled.ends_with('…'));
    }
}
