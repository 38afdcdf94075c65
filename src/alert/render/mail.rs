//! An alert as a mail's HTML: one column, inline styles, no pictures, light and dark.
//!
//! Place in the flow: one of the forms of `render`. Invariant: nothing is loaded from anywhere;
//! without styles (old Outlook) the page still reads from top to bottom.

use super::{Parts, sections, words};
use crate::model::RiskLevel;

/// Head of every mail: colours for dark mode, for clients that read styles at all.
pub(crate) const HEAD: &str = "<!DOCTYPE html>\n<html lang=\"ru\"><head><meta charset=\"utf-8\">\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
<meta name=\"color-scheme\" content=\"light dark\">\
<meta name=\"supported-color-schemes\" content=\"light dark\">\n<style>\n\
@media (prefers-color-scheme: dark) {\n\
body, .page { background: #15181c !important; color: #e6e8eb !important; }\n\
.card { background: #1f2429 !important; border-color: #3a424b !important; }\n\
.quote, .cell { border-color: #4b5560 !important; color: #e6e8eb !important; }\n\
.soft { color: #a5afba !important; }\na { color: #8ab8ff !important; }\n}\n</style>\n";

/// Background and ink of a level's badge; both read on light and dark pages.
pub(crate) fn badge(level: RiskLevel) -> (&'static str, &'static str) {
    match level {
        RiskLevel::Low => ("#5f6b77", "#ffffff"),
        RiskLevel::Elevated => ("#f2c230", "#1b1b1b"),
        RiskLevel::High => ("#d9660a", "#ffffff"),
        RiskLevel::Critical => ("#c02020", "#ffffff"),
    }
}

/// The whole page.
pub(super) fn html(parts: &Parts) -> String {
    let (back, ink) = badge(parts.level);
    let mut body = String::new();
    body.push_str(&format!(
        "<div style=\"display:inline-block;background:{back};color:{ink};padding:4px 10px;\
         border-radius:4px;font-weight:bold\">{}</div>\n\
         <h1 style=\"font-size:22px;line-height:1.25;margin:12px 0 8px\">{}</h1>\n",
        words::escape(&parts.headline),
        words::escape(&parts.title),
    ));
    if let Some(again) = &parts.again {
        body.push_str(&format!("<p>{}</p>\n", words::escape(again)));
    }
    if let Some(danger) = parts.danger {
        body.push_str(&format!("<p><b>{}</b></p>\n", words::escape(danger)));
    }
    let facts: Vec<String> = parts.facts.iter().map(|line| words::escape(line)).collect();
    body.push_str(&format!("<p style=\"margin:0 0 12px\">{}</p>\n", facts.join("<br>\n")));
    for (quote, url) in &parts.quotes {
        body.push_str(&quote_block(quote, url.as_deref()));
    }
    for (head, list) in sections(parts) {
        let items: Vec<String> =
            list.iter().map(|line| format!("<li>{}</li>\n", words::escape(line))).collect();
        body.push_str(&format!(
            "<p style=\"margin:16px 0 4px\"><b>{head}</b></p>\n\
             <ul style=\"margin:0;padding-left:20px\">\n{}</ul>\n",
            items.concat()
        ));
    }
    page(&parts.subject, &body, &parts.number)
}

fn quote_block(quote: &str, url: Option<&str>) -> String {
    let link = url.map_or_else(String::new, |url| {
        format!("<br><a href=\"{}\">Открыть публикацию</a>", words::escape(url))
    });
    format!(
        "<blockquote class=\"quote\" style=\"margin:0 0 10px;padding:4px 12px;\
         border-left:4px solid #9aa5b1\">{}{link}</blockquote>\n",
        words::escape(quote)
    )
}

/// A page of one card: `title` plain, `body` HTML, `foot` plain.
pub(crate) fn page(title: &str, body: &str, foot: &str) -> String {
    format!(
        "{HEAD}<title>{}</title></head>\n\
         <body class=\"page\" style=\"margin:0;padding:0;background:#f3f4f6;color:#1b1f24\">\n\
         <table role=\"presentation\" class=\"page\" width=\"100%\" cellpadding=\"0\" \
         cellspacing=\"0\" style=\"background:#f3f4f6\"><tr><td align=\"center\" \
         style=\"padding:16px 8px\">\n\
         <table role=\"presentation\" class=\"card\" width=\"640\" cellpadding=\"0\" \
         cellspacing=\"0\" style=\"width:100%;max-width:640px;background:#ffffff;\
         border:1px solid #d5dae0\"><tr><td align=\"left\" style=\"padding:20px;\
         font-family:Arial,Helvetica,sans-serif;font-size:16px;line-height:1.45\">\n\
         {body}<p class=\"soft\" style=\"margin:20px 0 0;font-size:13px;color:#5f6b77\">{}</p>\n\
         </td></tr></table>\n</td></tr></table>\n</body></html>\n",
        words::escape(title),
        words::escape(foot),
    )
}
