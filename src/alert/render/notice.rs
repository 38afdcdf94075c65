//! A message that is no single alert, in all forms: a subject, sentences, lists.
//!
//! Place in the flow: under the renderers of roll-ups, silences, planned works and the trial.
//! Invariant: lines come in plain ([`words::plain`]) and leave escaped; a list too long for one
//! chat message goes on in the next, cut between lines.

use super::mail::page;
use super::{AlertText, words};

/// Longest line, in characters.
const LINE_CHARS_MAX: usize = 400;
/// Most UTF-16 units of one chat message, tags and escapes included.
const UNITS_MAX: usize = 3_500;

/// What is said, before it takes a form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notice {
    /// One line.
    pub subject: String,
    /// Sentences on top.
    pub lead: Vec<String>,
    /// Lists with their headings; empty ones are left out.
    pub lists: Vec<(String, Vec<String>)>,
    /// Last line: what this is and its number.
    pub number: String,
}

impl Notice {
    /// All forms.
    #[must_use]
    pub fn render(&self) -> AlertText {
        let subject = tidy(&self.subject);
        let lead: Vec<String> = self.lead.iter().map(|line| tidy(line)).collect();
        let lists: Vec<(String, Vec<String>)> = self
            .lists
            .iter()
            .filter(|(_, lines)| !lines.is_empty())
            .map(|(head, lines)| (tidy(head), lines.iter().map(|line| tidy(line)).collect()))
            .collect();
        let number = tidy(&self.number);
        AlertText {
            text: text(&subject, &lead, &lists, &number),
            html: html(&subject, &lead, &lists, &number),
            telegram: telegram(&subject, &lead, &lists, &number),
            subject,
        }
    }
}

fn tidy(line: &str) -> String {
    words::shorten(&words::plain(line), LINE_CHARS_MAX)
}

type Lists = [(String, Vec<String>)];

fn text(subject: &str, lead: &[String], lists: &Lists, number: &str) -> String {
    let mut lines = vec![subject.to_owned(), String::new()];
    lines.extend(lead.iter().cloned());
    for (head, list) in lists {
        lines.push(String::new());
        lines.push(format!("{head}:"));
        lines.extend(list.iter().map(|line| format!("— {line}")));
    }
    lines.extend([String::new(), number.to_owned(), String::new()]);
    lines.join("\n")
}

fn html(subject: &str, lead: &[String], lists: &Lists, number: &str) -> String {
    let mut body = format!("<h1 style=\"font-size:20px\">{}</h1>\n", words::escape(subject));
    for line in lead {
        body.push_str(&format!("<p style=\"margin:0 0 8px\">{}</p>\n", words::escape(line)));
    }
    for (head, list) in lists {
        let list: String =
            list.iter().map(|line| format!("<li>{}</li>\n", words::escape(line))).collect();
        body.push_str(&format!(
            "<p style=\"margin:16px 0 4px\"><b>{}</b></p>\n\
             <ul style=\"margin:0;padding-left:20px\">\n{list}</ul>\n",
            words::escape(head)
        ));
    }
    page(subject, &body, number)
}

fn telegram(subject: &str, lead: &[String], lists: &Lists, number: &str) -> Vec<String> {
    let mut lines = vec![format!("<b>{}</b>", words::escape(subject))];
    lines.extend(lead.iter().map(|line| words::escape(line)));
    for (head, list) in lists {
        lines.push(format!("\n<b>{}:</b>", words::escape(head)));
        lines.extend(list.iter().map(|line| format!("— {}", words::escape(line))));
    }
    lines.push(format!("\n<i>{}</i>", words::escape(number)));
    let mut messages: Vec<String> = Vec::new();
    for line in lines {
        let units = line.encode_utf16().count();
        match messages.last_mut() {
            Some(last) if last.encode_utf16().count() + units < UNITS_MAX => {
                last.push('\n');
                last.push_str(&line);
            }
            _ => messages.push(line.trim_start().to_owned()),
        }
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_say_the_same_and_nothing_is_cut_off() {
        let notice = Notice {
            subject: "Ещё <47> проблем".to_owned(),
            lead: vec!["Пришло\nразом".to_owned()],
            lists: vec![
                ("Пусто".to_owned(), Vec::new()),
                ("Темы".to_owned(), (0..400).map(|n| format!("строка номер {n}")).collect()),
            ],
            number: "Общее сообщение · otklik".to_owned(),
        };
        let said = notice.render();
        assert!(said.text.contains("Пришло разом") && !said.text.contains("Пусто"));
        assert!(said.html.contains("Ещё &lt;47&gt; проблем"), "{}", said.html);
        assert!(said.telegram.len() > 1);
        let all = said.telegram.join("\n");
        for n in 0..400 {
            assert!(all.contains(&format!("— строка номер {n}\n")), "{n}");
        }
        assert!(said.telegram.iter().all(|part| part.encode_utf16().count() <= UNITS_MAX));
        assert!(all.ends_with("<i>Общее сообщение · otklik</i>"));
    }
}
