//! The pages of the simulated district.
//!
//! Place in the flow: the stage of a story. Invariant: every name says that it is an example.

use otklik_collectors::Platform;

use super::SimPage;
use crate::model::SourceKind;

/// Id, platform, handle, title.
type Name = (&'static str, Platform, &'static str, &'static str);
/// Number, kind, whether it covers the region, settlement.
type About = (i64, SourceKind, bool, Option<&'static str>);

#[rustfmt::skip]
const PAGES: [(Name, About); 9] = [
    (("vk-zaigraevo", Platform::Vk, "primer_zaigraevo", "Посёлок-пример Заиграево"),
     (200_001, SourceKind::Community, false, Some("zaigraevo"))),
    (("vk-onohoy", Platform::Vk, "primer_onohoy", "Соседи-примеры, Онохой"),
     (200_002, SourceKind::Community, false, Some("onohoy"))),
    (("vk-bryan", Platform::Vk, "primer_bryan", "Брянь-пример"),
     (200_003, SourceKind::Community, false, Some("novaya_bryan"))),
    (("vk-ilka", Platform::Vk, "primer_ilka", "Илька-пример"),
     (200_004, SourceKind::Community, false, Some("ilka"))),
    (("vk-rayon", Platform::Vk, "primer_rayon", "Район-пример: общий чат"),
     (200_005, SourceKind::Community, false, None)),
    (("vk-official", Platform::Vk, "primer_admin", "Администрация района (пример)"),
     (200_006, SourceKind::Official, false, None)),
    (("tg-rayon", Platform::Telegram, "primer_rayon_tg", "Район-пример в Телеграме"),
     (1_000_000_001, SourceKind::News, false, None)),
    (("tg-region", Platform::Telegram, "primer_region_tg", "Республика-пример"),
     (1_000_000_002, SourceKind::News, true, None)),
    (("rss-gazeta", Platform::Rss, "/gazeta/rss.xml", "Газета «Пример»"),
     (0, SourceKind::News, false, None)),
];

/// All pages, in the order of the story.
pub(super) fn pages() -> Vec<SimPage> {
    PAGES
        .iter()
        .map(|&((id, platform, handle, title), (number, kind, region, place))| SimPage {
            id,
            platform,
            handle,
            title,
            number,
            kind,
            region,
            place,
        })
        .collect()
}
