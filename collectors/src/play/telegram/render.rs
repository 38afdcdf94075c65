//! The preview's HTML, with the noise of the true pages.
//!
//! Place in the flow: inside [`super::PlayTelegram`]. Invariant: everything that the facts call a
//! trap stands in these pages, so a reader that falls into one fails its tests.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Channel, Message};

const HEAD: &str = "<!DOCTYPE html>\n<html>\n  <head>\n    <meta charset=\"utf-8\">\n";
/// Emoji that the play wraps as the true pages do.
const EMOJI: [char; 6] = ['❗', '🔥', '⚡', '✅', '😡', '👍'];

/// A page of a channel. `more` is where an older page ends, if there is one.
pub fn listing(
    name: &str,
    channel: &Channel,
    page: &BTreeMap<i64, &Message>,
    more: Option<i64>,
    now: Timestamp,
) -> String {
    let title = escape(&channel.title);
    let mut out = format!("{HEAD}    <title>{title} – Telegram</title>\n");
    if let Some(id) = more {
        out += &format!("    <link rel=\"prev\" href=\"/s/{name}?before={id}\">\n");
    }
    out += &format!("    <link rel=\"canonical\" href=\"/s/{name}\">\n  </head>\n");
    out += "  <body class=\"widget_frame_base tgme_webpreview emoji_image tme_mode\">\n";
    out += &header(name, &title);
    out += &format!("<main class=\"tgme_main\" data-url=\"/{name}\">\n");
    out += "<section class=\"tgme_channel_history js-message_history\">\n";
    if let Some(id) = more {
        out += "<div class=\"tgme_widget_message_centered js-messages_more_wrap\">";
        out += &format!("<a href=\"/s/{name}?before={id}\" class=\"tme_messages_more ");
        out += &format!("js-messages_more\" data-before=\"{id}\"></a></div>");
    }
    for (id, message) in page {
        out += "<div class=\"tgme_widget_message_wrap js-widget_message_wrap\">";
        out += &widget(name, channel, *id, message, now, false);
        out += "</div>\n";
    }
    out + "</section>\n</main>\n</body>\n</html>\n<!-- page generated in 12.3ms -->\n"
}

/// The page that shows one post.
pub fn embed(name: &str, channel: &Channel, id: i64, message: &Message, now: Timestamp) -> String {
    embed_page(&widget(name, channel, id, message, now, true))
}

/// The page that shows no post and says why.
pub fn embed_error(text: &str) -> String {
    embed_page(&format!(
        "<div class=\"tgme_widget_message_error_wrap\"><div class=\"tgme_widget_message_error\">\
         {text}</div></div>"
    ))
}

/// The page of a name without a preview; without `title` nobody has this name.
pub fn landing(name: &str, title: Option<&str>) -> String {
    let mut out = format!("{HEAD}    <title>Telegram: Contact @{name}</title>\n  </head>\n");
    out += "  <body><div class=\"tgme_page_wrap\"><div class=\"tgme_page\">\n";
    match title {
        Some(title) => {
            let title = escape(title);
            out += "<div class=\"tgme_page_title\" dir=\"auto\"><span dir=\"auto\">";
            out += &format!("{title}</span></div><div class=\"tgme_page_extra\">120 members</div>");
        }
        None => {
            out +=
                "<div class=\"tgme_icon_user\"></div><div class=\"tgme_page_description\">If you ";
            out += &format!("have <strong>Telegram</strong>, you can contact @{name}.</div>");
        }
    }
    out + "\n</div></div></body>\n</html>\n"
}

fn embed_page(inner: &str) -> String {
    format!(
        "{HEAD}<title>Telegram Widget</title></head>\n<body class=\"widget_frame_base tgme_widget \
         body_widget_post emoji_image\">\n{inner}\n</body>\n</html>\n"
    )
}

fn header(name: &str, title: &str) -> String {
    format!(
        "<header class=\"tgme_header\"><div class=\"tgme_channel_info\">\
         <div class=\"tgme_channel_info_header_title\"><span dir=\"auto\">{title}</span></div>\
         <div class=\"tgme_channel_info_header_username\">\
         <a href=\"https://t.me/{name}\">@{name}</a></div>\
         <div class=\"tgme_channel_info_counters\"><div class=\"tgme_channel_info_counter\">\
         <span class=\"counter_value\">1.5K</span> <span class=\"counter_type\">subscribers</span>\
         </div></div><div class=\"tgme_channel_info_description\">О районе<br/>Пишите нам</div>\
         </div></header>\n"
    )
}

fn widget(
    name: &str,
    channel: &Channel,
    id: i64,
    message: &Message,
    now: Timestamp,
    embedded: bool,
) -> String {
    let dress = &message.dress;
    let service = if dress.service { " service_message" } else { "" };
    let mut out = format!(
        "<div class=\"tgme_widget_message text_not_supported_wrap js-widget_message{service}\" \
         data-post=\"{name}/{id}\" data-view=\"eyJjIjotMX0\""
    );
    if embedded {
        out += &format!(
            " data-peer=\"c{}_-1\" data-peer-hash=\"0\" data-post-id=\"{id}\"",
            channel.bare_id
        );
    }
    out += ">\n<div class=\"tgme_widget_message_bubble\">\n";
    out += "<div class=\"tgme_widget_message_author accent_color\">";
    out += &format!("<a class=\"tgme_widget_message_owner_name\" href=\"https://t.me/{name}\">");
    out += &format!("<span dir=\"auto\">{}</span></a></div>\n", escape(&channel.title));
    if let Some((from, title)) = &dress.forwarded {
        out +=
            "<div class=\"tgme_widget_message_forwarded_from accent_color\">Forwarded from&nbsp;";
        out += "<a class=\"tgme_widget_message_forwarded_from_name\" ";
        out +=
            &format!("href=\"https://t.me/{from}/1\"><span>{}</span></a></div>\n", escape(title));
    }
    out += &reply(name, channel, message);
    out += &media(name, id, message);
    let (text, edited) = message.version(now);
    if !text.is_empty() {
        out += "<div class=\"tgme_widget_message_text js-message_text\" dir=\"auto\">";
        // On some pages this element stands inside itself.
        let nested = id % 7 == 3;
        if nested {
            out += "<div class=\"tgme_widget_message_text js-message_text\" dir=\"auto\">";
        }
        out += &dress_text(text);
        out += if nested { "</div></div>" } else { "</div>" };
    }
    if let Some(title) = &dress.link_preview {
        out += "<a class=\"tgme_widget_message_link_preview\" href=\"https://site.example/a\">";
        out += &format!("<div class=\"link_preview_title\">{}</div></a>\n", escape(title));
    }
    out += &reactions(message);
    out += &footer(name, id, message, edited);
    out + "</div>\n</div>"
}

fn reply(name: &str, channel: &Channel, message: &Message) -> String {
    let Some((id, quote)) = &message.dress.reply else { return String::new() };
    // The stray quote is the true site's.
    format!(
        "<a class=\"tgme_widget_message_reply user-color-default\" \
         href=\"https://t.me/{name}/{id}\" \">\
         <div class=\"tgme_widget_message_author accent_color\">\
         <span class=\"tgme_widget_message_author_name\" dir=\"auto\">{}</span></div>\
         <div class=\"tgme_widget_message_text js-message_reply_text\" dir=\"auto\">{}</div></a>\n",
        escape(&channel.title),
        dress_text(quote)
    )
}

fn media(name: &str, id: i64, message: &Message) -> String {
    let dress = &message.dress;
    let mut out = String::new();
    let album = dress.pictures > 1;
    if album {
        out += "<div class=\"tgme_widget_message_grouped_wrap\">";
    }
    for part in 0..i64::from(dress.pictures) {
        let number = id + part;
        out += &format!("<a class=\"tgme_widget_message_photo_wrap {}_{number} ", 9_999 - number);
        out += &format!("grouped_media\" href=\"https://t.me/{name}/{number}?single\" ");
        out += "style=\"background-image:url('https://cdn.example/file/a.jpg')\"></a>";
    }
    if album {
        out += "</div>\n";
    }
    if dress.video {
        out += "<a class=\"tgme_widget_message_video_player not_supported\" href=\"#\">";
        out += "<time class=\"message_video_duration js-message_video_duration\">0:37</time>";
        out += "<div class=\"message_media_not_supported_label\">Media is too big</div></a>\n";
    }
    out
}

fn reactions(message: &Message) -> String {
    if message.dress.reactions.is_empty() {
        return String::new();
    }
    let mut out = "<div class=\"tgme_widget_message_reactions js-message_reactions\">".to_owned();
    out += "<span class=\"tgme_reaction tgme_reaction_paid\"><i class=\"icon\"></i>11</span>";
    for (emoji, count) in &message.dress.reactions {
        out += &format!("<span class=\"tgme_reaction\"><i class=\"emoji\"><b>{emoji}</b></i>");
        out += &format!("{count}</span>");
    }
    out + "</div>\n"
}

fn footer(name: &str, id: i64, message: &Message, edited: bool) -> String {
    let views = match &message.dress.views {
        Some(views) => format!(
            "<span class=\"tgme_widget_message_views\">{views}</span>\
             <span class=\"copyonly\"> views</span>"
        ),
        None => String::new(),
    };
    let edited = if edited { "edited &nbsp;" } else { "" };
    let date = message.date.strftime("%Y-%m-%dT%H:%M:%S+00:00");
    format!(
        "<div class=\"tgme_widget_message_footer compact js-message_footer\">\
         <div class=\"tgme_widget_message_info short js-message_info\">{views}\
         <span class=\"tgme_widget_message_meta\">{edited}<a class=\"tgme_widget_message_date\" \
         href=\"https://t.me/{name}/{id}\">\
         <time datetime=\"{date}\" class=\"time\">08:55</time></a></span></div></div>\n"
    )
}

/// Text as the true pages write it: `<br/>` for a new line, emoji in tags, links with scripts.
fn dress_text(text: &str) -> String {
    let mut out = String::new();
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            out += "<br/>";
        }
        let words: Vec<String> = line.split(' ').map(dress_word).collect();
        out += &words.join(" ");
    }
    out
}

fn dress_word(word: &str) -> String {
    if word.starts_with("https://") {
        let word = escape(word);
        let script = "return confirm('Open this link?\\n\\n'+this.href);";
        return format!("<a href=\"{word}\" target=\"_blank\" onclick=\"{script}\">{word}</a>");
    }
    let mut out = String::new();
    for c in word.chars() {
        if EMOJI.contains(&c) {
            out +=
                &format!("<tg-emoji emoji-id=\"5\"><i class=\"emoji\"><b>{c}</b></i></tg-emoji>");
        } else {
            out += &escape(&c.to_string());
        }
    }
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
