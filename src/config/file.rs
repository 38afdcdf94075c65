//! `otklik.toml` exactly as it is typed.
//!
//! Place in the flow: read by `settings.rs`, which says what is true; shown by `reference.rs`. The
//! texts of sections and keys are for the operator and become `config/REFERENCE.md` and the
//! comments of `config/otklik.toml`. Invariant: unknown sections and keys are refused.

use toml::Spanned;

use super::read::{About, Communities, PublicKey, Reader, Section, Shown, section};
use super::secret::SecretFrom;

section! {
    /// Район, за которым смотрит программа. Единственный обязательный раздел.
    DistrictSection = "district" {
        /// Имя района в хранилище: буквы, цифры, «_», «-», «.». После первого запуска не меняйте.
        id: String = Shown::Default("\"district\"");
        /// Название, как его пишут в письмах и сводках.
        name: String = Shown::Required("\"Заиграевский район\"");
        /// Часовой пояс по базе IANA. Для Бурятии — Asia/Irkutsk (Asia/Ulan-Ude не существует).
        timezone: String = Shown::Required("\"Asia/Irkutsk\"");
    }
}

section! {
    /// Где лежит всё собранное.
    StoreSection = "store" {
        /// Файл хранилища. Если не указан: /var/lib/otklik/otklik.db, когда этот файл настройки
        /// лежит в /etc/otklik, иначе otklik.db рядом с файлом настройки.
        path: String = Shown::Example("\"/var/lib/otklik/otklik.db\"");
    }
}

section! {
    /// Словари тем.
    KeywordsSection = "keywords" {
        /// Папка словарей. Если не указана: папка keywords рядом с этим файлом, а если её нет —
        /// папкой выше.
        path: String = Shown::Example("\"../keywords\"");
    }
}

section! {
    /// Выход в сеть.
    NetworkSection = "network" {
        /// Прокси для всех запросов наружу: http://, https:// или socks5://, без пароля в адресе.
        proxy: String = Shown::Example("\"http://10.0.0.1:3128\"");
        /// Пароль прокси, если он нужен (имя пользователя пишется в адресе прокси).
        proxy_password: SecretFrom = Shown::Example("{ credential = \"proxy_password\" }");
        /// Дополнительные корневые сертификаты в PEM (например, Минцифры для MAX).
        ca_file: String = Shown::Example("\"russian_trusted_root_ca.pem\"");
        /// Внутренние адреса и сети, которые можно читать как источники. Без этого источник
        /// с внутренним адресом не читается: так чужая ссылка не заведёт программу в вашу сеть.
        allow: Vec<Spanned<String>> = Shown::Default("[]");
    }
}

section! {
    /// VK. Раздел нужен, если есть источники VK.
    VkSection = "platforms.vk" {
        /// Адрес API до имени метода.
        api_url: String = Shown::Default("\"https://api.vk.ru/method\"");
        /// Сервисный ключ приложения или ключ пользователя.
        token: SecretFrom = Shown::Required("{ credential = \"vk_token\" }");
        /// Чей это ключ: service (до 5 запросов в секунду) или user (до 3).
        token_kind: String = Shown::Default("\"service\"");
        /// Версия API.
        version: String = Shown::Default("\"5.199\"");
        /// Сообщества, которые вы ведёте сами: номер и где лежит ключ сообщества с правом
        /// управления (включите в сообществе Long Poll API). События оттуда видны при ближайшем
        /// взгляде без обхода стены, стена всё равно перечитывается.
        communities: Communities = Shown::Example("{ 200001 = { file = \"vk_200001.txt\" } }");
    }
}

section! {
    /// Одноклассники. Раздел нужен, если есть источники ОК. Все три ключа берутся из одного окна
    /// настроек приложения ОК; права на чтение просят письмом: docs/ru/письмо-ок.md.
    OkSection = "platforms.ok" {
        /// Адрес API.
        api_url: String = Shown::Default("\"https://api.ok.ru/fb.do\"");
        /// Публичный ключ приложения.
        application_key: PublicKey = Shown::Required("\"CABCDEFGHIJKLMNOP\"");
        /// Вечный ключ доступа (access_token) владельца приложения.
        access_token: SecretFrom = Shown::Required("{ credential = \"ok_access_token\" }");
        /// Секретный ключ сессии (session_secret_key), которым подписываются запросы.
        session_secret: SecretFrom = Shown::Required("{ credential = \"ok_session_secret\" }");
    }
}

section! {
    /// Telegram. Открытые каналы читаются через веб-просмотр, без учётной записи. С учётной записью
    /// (api_id, api_hash, session и `otklik telegram login`) читаются ещё комментарии, каналы с
    /// закрытым просмотром и открытые группы.
    TelegramSection = "platforms.telegram" {
        /// Адрес веб-просмотра каналов.
        preview_url: String = Shown::Default("\"https://t.me\"");
        /// Номер приложения с my.telegram.org.
        api_id: i64 = Shown::Example("12345");
        /// Хеш приложения с my.telegram.org.
        api_hash: SecretFrom = Shown::Example("{ credential = \"telegram_api_hash\" }");
        /// Файл с ключом входа, права 0600; его пишет otklik telegram login, в резервные копии он
        /// не попадает.
        session: String = Shown::Example("\"/var/lib/otklik/telegram.session\"");
        /// Адрес сервера Telegram, если нужен особый.
        dc_address: String = Shown::Example("\"149.154.167.50:443\"");
    }
}

section! {
    /// MAX. Раздел нужен, если есть источники MAX: каналы и открытые чаты, где бот администратор
    /// с правом читать все сообщения.
    MaxSection = "platforms.max" {
        /// Адрес API; у MAX он уже менялся.
        api_url: String = Shown::Default("\"https://platform-api2.max.ru\"");
        /// Ключ бота.
        token: SecretFrom = Shown::Required("{ credential = \"max_token\" }");
        /// Адрес, на который MAX сам присылает новости (webhook): https, порт 443, сертификат
        /// признанного центра или Минцифры. Ваш веб-сервер передаёт его на listen. Без этого ключа
        /// новости спрашиваются при каждом просмотре.
        webhook: String = Shown::Example("\"https://otklik.example.org/max\"");
        /// Адрес и порт этой машины, на которых служба ждёт того, что передал веб-сервер.
        listen: String = Shown::Default("\"127.0.0.1:8117\"");
    }
}

section! {
    /// Почта для оповещений и сводок. Без раздела письма не отправляются.
    SmtpSection = "smtp" {
        /// Почтовый сервер: smtps://имя@сервер:465 или smtp://имя@сервер:587?tls=required.
        url: String = Shown::Required("\"smtps://otklik@mail.example.org:465\"");
        /// Обратный адрес.
        from: String = Shown::Required("\"Отклик <otklik@example.org>\"");
        /// Пароль почты.
        password: SecretFrom = Shown::Example("{ credential = \"smtp_password\" }");
    }
}

section! {
    /// Бот Telegram для оповещений. Без раздела сообщения в Telegram не отправляются.
    BotSection = "telegram_bot" {
        /// Адрес Bot API.
        api_url: String = Shown::Default("\"https://api.telegram.org\"");
        /// Ключ бота от @BotFather.
        token: SecretFrom = Shown::Required("{ credential = \"telegram_bot_token\" }");
    }
}

section! {
    /// Бот MAX для оповещений. Без раздела сообщения в MAX не отправляются.
    MaxBotSection = "max_bot" {
        /// Адрес API. Сертификат сервера выдан Минцифры: нужен его корневой (ключ ca_file
        /// раздела network).
        api_url: String = Shown::Default("\"https://platform-api2.max.ru\"");
        /// Ключ бота из кабинета партнёра.
        token: SecretFrom = Shown::Required("{ credential = \"max_bot_token\" }");
    }
}

section! {
    /// Сообщения от сообщества VK для оповещений. Без раздела сообщения в VK не отправляются.
    VkBotSection = "vk_bot" {
        /// Адрес API до имени метода.
        api_url: String = Shown::Default("\"https://api.vk.ru/method\"");
        /// Ключ сообщества с правом на сообщения.
        token: SecretFrom = Shown::Required("{ credential = \"vk_bot_token\" }");
    }
}

section! {
    /// Сообщения на адрес другой программы: шлюз СМС, табло дежурного. Что стоит в адресе
    /// получателя после «#», подставляется вместо {to}.
    WebhookSection = "webhook" {
        /// Вид тела: json, form или text.
        form: String = Shown::Default("\"json\"");
        /// Тело. Места: {id}, {at}, {subject}, {text}, {short} (не длиннее двух СМС), {to}.
        body: String = Shown::Default(
            "'{\"id\": \"{id}\", \"at\": \"{at}\", \"subject\": \"{subject}\", \"text\": \"{text}\"}'"
        );
        /// Ключ подписи. С ним в заголовке x-otklik-signature приходит sha256= и HMAC-SHA-256
        /// от строки «значение x-otklik-at, точка, тело».
        secret: SecretFrom = Shown::Example("{ credential = \"webhook_secret\" }");
    }
}

section! {
    /// Работы по часам района. Пять полей cron: минута, час, число, месяц, день недели (Mon…Sun).
    ScheduleSection = "schedule" {
        /// Когда отправлять недельную сводку.
        digest: String = Shown::Default("\"0 9 * * Mon\"");
        /// Когда убирать то, чей срок хранения вышел.
        cleanup: String = Shown::Default("\"30 3 * * *\"");
        /// За какой срок публикации перечитываются: правки и удаления старше этого не видны.
        rescan: String = Shown::Default("\"7d\"");
    }
}

section! {
    /// Сколько суток хранится каждый вид записей, считая с дня сохранения.
    RetentionSection = "retention" {
        /// Тексты публикаций, в которых найдена тема.
        matched_days: i64 = Shown::Default("365");
        /// Тексты публикаций без темы.
        unmatched_days: i64 = Shown::Default("90");
        /// Строки публикаций, текст которых уже удалён и которые не вошли ни в одну проблему.
        problems_days: i64 = Shown::Default("1095");
        /// Отправленные сообщения (решения об оповещениях и проблемы остаются: в них нет текстов).
        alerts_days: i64 = Shown::Default("1095");
        /// Записи о том, что не удалось прочитать или отправить.
        dead_letters_days: i64 = Shown::Default("30");
    }
}

section! {
    /// Журнал.
    LogSection = "log" {
        /// Подробность: error, warn, info, debug или trace.
        level: String = Shown::Default("\"info\"");
    }
}

/// `otklik.toml` as typed.
#[derive(Debug, Clone)]
pub struct File {
    /// `[district]`.
    pub district: DistrictSection,
    /// `[store]`.
    pub store: StoreSection,
    /// `[keywords]`.
    pub keywords: KeywordsSection,
    /// `[network]`.
    pub network: NetworkSection,
    /// `[platforms.vk]`.
    pub vk: VkSection,
    /// `[platforms.ok]`.
    pub ok: OkSection,
    /// `[platforms.telegram]`.
    pub telegram: TelegramSection,
    /// `[platforms.max]`.
    pub max: MaxSection,
    /// `[smtp]`.
    pub smtp: SmtpSection,
    /// `[telegram_bot]`.
    pub bot: BotSection,
    /// `[max_bot]`.
    pub max_bot: MaxBotSection,
    /// `[vk_bot]`.
    pub vk_bot: VkBotSection,
    /// `[webhook]`.
    pub webhook: WebhookSection,
    /// `[schedule]`.
    pub schedule: ScheduleSection,
    /// `[retention]`.
    pub retention: RetentionSection,
    /// `[log]`.
    pub log: LogSection,
}

impl File {
    /// All sections in the order they are shown.
    pub const SECTIONS: [About; 16] = [
        DistrictSection::ABOUT,
        StoreSection::ABOUT,
        KeywordsSection::ABOUT,
        NetworkSection::ABOUT,
        VkSection::ABOUT,
        OkSection::ABOUT,
        TelegramSection::ABOUT,
        MaxSection::ABOUT,
        SmtpSection::ABOUT,
        BotSection::ABOUT,
        MaxBotSection::ABOUT,
        VkBotSection::ABOUT,
        WebhookSection::ABOUT,
        ScheduleSection::ABOUT,
        RetentionSection::ABOUT,
        LogSection::ABOUT,
    ];

    /// Reads the text that `reader` holds; faults stay in the reader.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let parsed = reader.parse();
        let root = parsed.get_ref();
        let paths: Vec<&str> = Self::SECTIONS.iter().map(|about| about.path).collect();
        reader.unknown_sections(root, &paths);
        Self {
            district: reader.section(root),
            store: reader.section(root),
            keywords: reader.section(root),
            network: reader.section(root),
            vk: reader.section(root),
            ok: reader.section(root),
            telegram: reader.section(root),
            max: reader.section(root),
            smtp: reader.section(root),
            bot: reader.section(root),
            max_bot: reader.section(root),
            vk_bot: reader.section(root),
            webhook: reader.section(root),
            schedule: reader.section(root),
            retention: reader.section(root),
            log: reader.section(root),
        }
    }
}
