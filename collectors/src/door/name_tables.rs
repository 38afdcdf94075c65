//! Tables of the name rules: first names with their forms, words that are no surnames, streets.
//!
//! Place in the flow: built once, read by the name rules for every word. Invariant: a table only
//! says what a word can be; whether it is masked is decided by what stands beside it.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Cases a form can stand for: bits 0–5 masculine nominative … prepositional, bits 6–11 feminine.
pub(super) type Cases = u16;

const NOM: Cases = 1;
const GEN: Cases = 1 << 1;
const DAT: Cases = 1 << 2;
const ACC: Cases = 1 << 3;
const INS: Cases = 1 << 4;
const PREP: Cases = 1 << 5;
const FEMALE: u32 = 6;
/// Every case of a man's and a woman's form.
pub(super) const ANY: Cases = 0xfff;
const WOMAN: Cases = 0x3f << FEMALE;
/// Genitive of both: the case of street names.
pub(super) const GENITIVE: Cases = GEN | GEN << FEMALE;
/// Dative of both: the case of monuments.
pub(super) const DATIVE: Cases = DAT | DAT << FEMALE;

/// What a word is known to be.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    /// Cases in which it is a first name; 0 = none.
    pub(super) name: Cases,
    /// Whether that first name is an ordinary word in lower case, such as «роман».
    pub(super) ambiguous: bool,
    /// Whether it is one even with a capital, such as «Вера».
    pub(super) is_abstract: bool,
    /// Never a surname, whatever its ending.
    pub(super) plain: bool,
    /// Names streets and monuments: what follows in the genitive is no person.
    pub(super) street: bool,
    /// The same for several: «улицах».
    pub(super) streets: bool,
    /// Monument: what follows in the dative is no person either.
    pub(super) monument: bool,
    /// May stand between a street's word and its name: «генерала».
    pub(super) rank: bool,
    /// A body whose quoted name is no person: «кафе».
    pub(super) body: bool,
    /// Cases in which it is one of the most frequent surnames; 0 = none.
    pub(super) surname: Cases,
}

const MEN: &str = "иван петр александр алексей андрей анатолий антон аркадий арсений артем \
    артемий артур богдан борис вадим валентин валерий василий виктор виталий владимир владислав \
    всеволод вячеслав геннадий георгий глеб григорий даниил данила демьян денис дмитрий евгений \
    егор ефим захар игнат игорь илья иннокентий иосиф ириней карл кирилл климент константин \
    кузьма леонид леонтий макар максим матвей мирон митрофан михаил моисей назар никита никифор \
    николай олег павел платон прохор родион ростислав руслан савелий савва семен сергей спартак \
    станислав степан тарас терентий тимофей тимур тихон трофим федор феликс филипп фома харитон \
    эдуард юлиан юрий яков ярослав саша паша миша гриша леша алеша антоша вася ваня петя митя \
    витя костя юра женя вова володя толик толя коля сережа сеня степа федя лева гена жора дима \
    димка вадик славик стас стасик костик вовка баир баирто батор бато батожаргал бадма базар \
    базаржап балдан балжинима баясхалан булат гарма гармажап гомбо гэсэр даба дабанжап даши \
    дашинима дамба дамдин дансаран доржо доржи дондок дугар дугаржап дымбрыл жамбал жамсо жаргал \
    жаргалма зоригто зорикто жигжит лопсон лубсан мункожаргал мунко намжил намсарай нима норбо \
    очир очиржап пурбо пунцык ринчин саян согто содном солбон соднон тумэн тумэр цыбик цыбикжап \
    цыден цыдендамба цыдып цырен цыренжап цыремпил чагдар чимит чингис шагдар ширап шойжо \
    эдуардас эрдэм эрдэни элбэг аюр аюша амгалан алдар арсалан бэлигто бэликто ринат рашид марат \
    ильдар ильнур айрат айдар азат альберт ахмед ахмет али амир анвар ансар дамир данияр закир \
    заур зуфар ибрагим илхом ильгиз ильшат камиль карим мансур магомед мурад мурат мухаммад \
    наиль нияз нурлан равиль раиль рамиль рамзан рафаэль рафик ренат рустам рустем салават салим \
    самир тагир тахир улугбек фаниль фанис фарид фарит фаррух хамит шамиль эльдар эмиль юсуф \
    азиз алишер бахтиер бахром сухроб шухрат абдулла айбек бакыт нурбек эрмек жаныбек мирлан \
    армен арсен ашот вахтанг гагик гиви давид карен левон рубен тигран анзор заза зураб нодар \
    ованес роман лев слава марк клим герман мир август ермак валя";

const WOMEN: &str = "анна мария елена ольга татьяна наталья наталия ирина светлана екатерина \
    юлия анастасия людмила галина валентина нина марина оксана евгения александра алена алина \
    алла алевтина альбина анжела анжелика антонина валерия варвара вероника виктория виолетта \
    виталина владислава галя дарья диана динара ева евдокия елизавета жанна зинаида зоя инга \
    инна ираида карина кира клавдия клара ксения лариса лидия любовь маргарита марианна марфа \
    матрена милана мирослава надежда неля нелли нона оксана олеся пелагея полина прасковья раиса \
    регина римма сабина серафима снежана софия софья стефания степанида тамара таисия ульяна \
    фаина федора эльвира эмилия эмма юлиана яна ярослава ира ирка оля лена ленка таня танюша \
    наташа света светка катя катюша юля настя люда люся валя вика даша маша машенька аня анечка \
    аннушка ксюша лиза лида надя надюша зина рая нюра рита соня тоня тома тамарка галка маруся \
    дуся варя поля сашенька танька женя женечка оленька леночка ирочка людочка аюна арюна баирма \
    баярма бэлигма билигма балжит балжима гэрэлма дарима дарижап долгор долгорма дулма дулмажап \
    дыжит должин жаргалма жалма ирина намсалма наран номин номина оюна оюуна очирма сарюна саяна \
    сэсэг сэсэгма соелма сыжидма сырема туяна туяа туя туула ханда хандажап цыбжит цыпилма \
    цырегма цыремжит цыцык цыцыгма чимита чимитма эржена эрженa янжима янжина дарисурэн энхэ \
    сысегма цындыма гульнара гульнар гузель гуля гульназ гульшат айгуль айгюль алсу айша амина \
    асель асия азиза альфия венера гулия дания дилара дилноза диляра зарина зейнаб зульфия зухра \
    камила ляйсан лейсан ляля мадина малика нигора нурия патимат рамиля расима резеда сания \
    сария фарида фатима феруза фируза флюра хадижа чулпан эльмира эльза ясмина анаит ануш асмик \
    гаяне лусине нателла нино манана тамила шушаник вера майя роза лилия злата рая ада лука ника \
    мила люба виола стелла августа фая лия руфина злата мира ася";

/// First names that are ordinary words even with a capital: only a surname's ending, a patronymic
/// or an initial shows them.
const ABSTRACT: &str = "слава вера надежда любовь мир мира света роза лилия рая ада лука ника \
    мила люба виола стелла майя злата август ермак тома поля галка наран туя базар булат саян \
    рома валя норма спартак";

/// First names that are ordinary words in lower case in some form.
const AMBIGUOUS: &str = "роман лев марк клим герман соня коля толя паша вася гена карл даша зоя \
    ева нона степа лева энхэ али даши баир долгор цырен рита женя савва инга кира";

/// Frequent surnames, masculine: sure enough to be seen in lower case.
const SURNAMES: &str = "иванов петров сидоров смирнов кузнецов попов васильев соколов михайлов \
    новиков федоров морозов волков алексеев лебедев семенов егоров павлов козлов степанов \
    николаев орлов андреев макаров никитин захаров зайцев соловьев борисов яковлев григорьев \
    романов воробьев сергеев фролов александров дмитриев королев гусев киселев ильин максимов \
    поляков сорокин виноградов ковалев белов медведев антонов тарасов жуков баранов филиппов \
    комаров давыдов беляев герасимов богданов осипов сидоркин матвеев титов марков миронов \
    крылов куликов карпов власов мельников денисов гаврилов тихонов казаков афанасьев данилов \
    савельев тимофеев фомин чернов абрамов мартынов ефимов федотов щербаков назаров калинин \
    исаев чернышев быков маслов родионов коновалов лазарев воронин климов филатов пономарев \
    голубев кудрявцев прохоров наумов потапов журавлев овчинников трофимов леонов соболев \
    ермаков колесников гончаров емельянов никифоров грачев котов гришин ефремов архипов громов \
    кириллов малышев панов моисеев румянцев акимов кондратьев бирюков горбунов анисимов еремин \
    тихомиров галкин лукьянов михеев скворцов юдин белоусов нестеров симонов прокофьев харитонов \
    князев цветков левин митрофанов воронов аксенов софронов мальцев логинов горшков савин \
    краснов майоров демидов елисеев рыбаков сафонов плотников демин хохлов фадеев молчанов \
    игнатов литвинов ершов ушаков дементьев рябов мухин калашников леонтьев лобанов кузин \
    корнеев евдокимов бородин платонов некрасов балашов бобров жданов блинов игнатьев дорофеев \
    доржиев цыренов цыбиков бадмаев дамбаев батуев будаев гармаев раднаев намсараев дашиев \
    ринчинов очиров бальжинимаев балданов базаров дугаров жамбалов жигжитов санжиев содномов \
    цыдыпов шагдаров эрдынеев эрдынеев гомбоев гатапов бороноев тумуров хамаганов аюшеев аюшиев \
    цыдендамбаев иринчинов мункуев нимаев норбоев пунцукнамжилов";

/// Words that end like a surname or begin a sentence after a name, and are none.
const PLAIN: &str = include_str!("plain_words.txt");

const STREET: &str = "ул улица улицы улице улицу улицей пр просп проспект проспекта проспекте \
    проспекту пр-т пр-та пр-ту пр-те пр-кт пр-кта пр-кту пер переулок переулка переулке переулку \
    переулком проезд проезда проезде бульвар бульвара бульваре б-р бул пл площадь площади шоссе \
    ш наб набережная набережной тракт тракта тупик тупика аллея аллеи аллее сквер сквера сквере \
    парк парка парке мост моста мкр мкрн микрорайон микрорайона микрорайоне квартал квартала \
    имени им памяти мемориал мемориала музей музея музее теплоход премия премии премию кубок \
    кубка турнир турнира стипендия храм храма храме церковь церкви собор собора икона святой \
    святого святому св день";
const STREETS: &str =
    "улиц улицам улицах улицами переулков переулках переулкам проспектах площадях";
const MONUMENT: &str =
    "памятник памятника памятнику памятником памятнике бюст бюста монумент монумента";
const RANK: &str = "героя героев советского союза социалистического труда россии рф российской \
    федерации генерала генерал-лейтенанта генерал-майора маршала космонавта космонавтов \
    академика летчика летчика-космонавта братьев партизана адмирала капитана комиссара сержанта \
    доктора профессора поэта писателя композитора художника святого святой святителя \
    преподобного великого князя полковника подполковника лейтенанта майора старшего младшего \
    гвардии рядового ветерана народного заслуженного артиста учителя врача атамана декабриста \
    революционера первого партизанки";
const BODY: &str = "ооо оао зао пао ао ип тоо спк кфх чоп нко мбоу мкоу маоу магазин магазина \
    магазине магазину кафе салон салона салоне тц трц аптека аптеки аптеке колхоз колхоза совхоз \
    совхоза фонд фонда фирма фирмы компания компании отель гостиница гостиницы рынок рынка \
    пекарня студия студии ресторан ресторана бар база базы агентство клиника клиники газета \
    песня песню фильм фильма спектакль книга книгу стих";

/// People after whom streets are named all over the country: beginnings of first name and surname.
pub(super) const FAMOUS: [(&str, &str); 38] = [
    ("юри", "гагарин"),
    ("владимир", "ленин"),
    ("александр", "пушкин"),
    ("александр", "невск"),
    ("максим", "горьк"),
    ("карл", "маркс"),
    ("клар", "цеткин"),
    ("роз", "люксембург"),
    ("богдан", "хмельницк"),
    ("дмитри", "донск"),
    ("степан", "разин"),
    ("емельян", "пугач"),
    ("иван", "франко"),
    ("лес", "украинк"),
    ("тарас", "шевченко"),
    ("павлик", "морозов"),
    ("зо", "космодемьянск"),
    ("олег", "кошев"),
    ("лиз", "чайкин"),
    ("серге", "лазо"),
    ("льв", "толст"),
    ("лев", "толст"),
    ("антон", "чехов"),
    ("михаил", "лермонтов"),
    ("никола", "гогол"),
    ("владимир", "маяковск"),
    ("серге", "есенин"),
    ("иван", "купал"),
    ("иван", "грозн"),
    ("доржи", "банзаров"),
    ("семен", "буденн"),
    ("васили", "чапаев"),
    ("феликс", "дзержинск"),
    ("михаил", "фрунзе"),
    ("иван", "сусанин"),
    ("михаил", "ломоносов"),
    ("салават", "юлаев"),
    ("анн", "каренин"),
];

/// Beginnings of words in `-овна`, `-евне` … that are no patronymics.
const NO_PATRONYMIC: [&str; 40] = [
    "виновн",
    "невиновн",
    "духовн",
    "условн",
    "безусловн",
    "основн",
    "верховн",
    "любовн",
    "полюбовн",
    "ровн",
    "неровн",
    "церковн",
    "кровн",
    "бескровн",
    "голословн",
    "дословн",
    "сословн",
    "чиновн",
    "греховн",
    "королевн",
    "царевн",
    "плачевн",
    "душевн",
    "задушевн",
    "повседневн",
    "дневн",
    "ежедневн",
    "гневн",
    "злободневн",
    "деревн",
    "уровн",
    "часовн",
    "жаровн",
    "бревн",
    "харчевн",
    "поговн",
    "трехдневн",
    "многодневн",
    "однодневн",
    "вечеровн",
];

/// All words the tables know, in every form.
static KNOWN: LazyLock<HashMap<String, Known>> = LazyLock::new(|| {
    let mut all: HashMap<String, Known> = HashMap::new();
    let abstracts: Vec<&str> = ABSTRACT.split_whitespace().collect();
    let ambiguous: Vec<&str> = AMBIGUOUS.split_whitespace().collect();
    for (names, woman) in [(MEN, false), (WOMEN, true)] {
        for name in names.split_whitespace() {
            for (form, cases) in first_name_forms(name, woman) {
                let known = all.entry(form).or_default();
                known.name |= cases;
                known.is_abstract |= abstracts.contains(&name);
                known.ambiguous |= known.is_abstract || ambiguous.contains(&name);
            }
        }
    }
    for surname in SURNAMES.split_whitespace() {
        for (ending, cases) in OWN_FORMS {
            let form = format!("{surname}{ending}");
            all.entry(form).or_default().surname |= cases;
        }
    }
    let mut mark = |words: &str, set: fn(&mut Known)| {
        for word in words.split_whitespace() {
            set(all.entry(word.to_owned()).or_default());
        }
    };
    mark(PLAIN, |k| k.plain = true);
    mark(STREET, |k| (k.street, k.plain) = (true, true));
    mark(STREETS, |k| (k.street, k.streets, k.plain) = (true, true, true));
    mark(MONUMENT, |k| (k.street, k.monument, k.plain) = (true, true, true));
    mark(RANK, |k| (k.rank, k.plain) = (true, true));
    mark(BODY, |k| (k.body, k.plain) = (true, true));
    all
});

/// What is known about a folded word.
pub(super) fn known(word: &str) -> Known {
    KNOWN.get(word).copied().unwrap_or_default()
}

/// All first names in all their forms, in no order.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().filter(|(_, known)| known.name != 0).map(|(word, _)| word.as_str())
}

/// Endings behind the masculine form of a surname in -ов, -ев, -ин, -ын.
const OWN_FORMS: [(&str, Cases); 9] = [
    ("", NOM),
    ("а", GEN | ACC | NOM << FEMALE),
    ("у", DAT | ACC << FEMALE),
    ("ым", INS),
    ("е", PREP),
    ("ой", (GEN | DAT | INS | PREP) << FEMALE),
    ("ы", NOM | NOM << FEMALE),
    ("ых", GENITIVE | ACC | PREP | ACC << FEMALE | PREP << FEMALE),
    ("ыми", INS | INS << FEMALE),
];

/// Endings behind the stem of a surname in -ский, -цкий.
const ADJECTIVE_FORMS: [(&str, Cases); 10] = [
    ("ий", NOM),
    ("ой", NOM | (GEN | DAT | INS | PREP) << FEMALE),
    ("ого", GEN | ACC),
    ("ому", DAT),
    ("им", INS),
    ("ом", PREP),
    ("ая", NOM << FEMALE),
    ("ую", ACC << FEMALE),
    ("ие", NOM | NOM << FEMALE),
    ("их", GENITIVE | ACC | PREP | ACC << FEMALE | PREP << FEMALE),
];

/// Endings of a masculine noun that ends in a consonant.
const NOUN_FORMS: [(&str, Cases); 5] =
    [("", NOM), ("а", GEN | ACC), ("у", DAT), ("ом", INS), ("е", PREP)];

/// A word's chances to be a surname.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Surname {
    /// Cases; 0 = its ending is none of a surname's.
    pub(super) cases: Cases,
    /// Whether the ending tells a surname even in lower case.
    pub(super) firm: bool,
}

/// Whether one of the last five letters begins what every ending of a surname has somewhere: most
/// words are dismissed here.
fn may_be_surname(word: &str) -> bool {
    let mut behind = '\0';
    word.chars().rev().take(5).any(|c| {
        let pair = (c, std::mem::replace(&mut behind, c));
        matches!(
            pair,
            ('о' | 'е', 'в')
                | ('и' | 'ы', 'н')
                | ('с' | 'ц', 'к')
                | ('к', 'о')
                | ('л', 'и')
                | ('з', 'е')
                | ('у' | 'ю', 'к')
                | ('я', 'н')
                | ('а', 'п')
                | ('о', 'н')
                | ('ы' | 'и', 'х')
                | ('н', 'ц')
        )
    })
}

/// Judges a folded word by its ending alone.
pub(super) fn surname(word: &str) -> Surname {
    if !may_be_surname(word) {
        return Surname { cases: 0, firm: false };
    }
    let stem = |ending: &str| word.strip_suffix(ending);
    let long = |stem: &str, min: usize| stem.chars().nth(min - 1).is_some();
    for (ending, cases) in OWN_FORMS {
        if let Some(stem) = stem(ending)
            && ["ов", "ев", "ин", "ын"].iter().any(|s| stem.ends_with(s))
            && long(stem, 4)
        {
            return Surname { cases, firm: true };
        }
    }
    for (ending, cases) in ADJECTIVE_FORMS {
        if let Some(stem) = stem(ending)
            && ["ск", "цк"].iter().any(|s| stem.ends_with(s))
            && long(stem, 4)
        {
            return Surname { cases, firm: true };
        }
    }
    if ["енко", "швили", "адзе", "идзе"].iter().any(|s| word.ends_with(s)) && long(word, 6)
    {
        return Surname { cases: ANY, firm: true };
    }
    for (ending, cases) in NOUN_FORMS {
        if let Some(stem) = stem(ending)
            && ["ук", "юк", "ян", "жап", "он"].iter().any(|s| stem.ends_with(s))
            && long(stem, 5)
        {
            let woman = if ending.is_empty() { WOMAN } else { 0 };
            return Surname { cases: cases | woman, firm: false };
        }
    }
    if ["ко", "ых", "их", "янц"].iter().any(|s| word.ends_with(s)) && long(word, 5) {
        return Surname { cases: ANY, firm: false };
    }
    Surname { cases: 0, firm: false }
}

/// Cases in which a folded word is a patronymic; 0 = none.
pub(super) fn patronymic(word: &str) -> Cases {
    if !word.contains(['ч', 'н']) || word.len() < 10 {
        return 0;
    }
    const WOMEN: [(&str, Cases); 6] =
        [("а", NOM), ("ы", GEN), ("е", DAT | PREP), ("у", ACC), ("ой", INS), ("ою", INS)];
    for (ending, cases) in WOMEN {
        let Some(stem) = word.strip_suffix(ending) else { continue };
        let own = ["овн", "евн", "иничн", "китичн", "саввичн", "кузьмичн"];
        if own.iter().any(|s| stem.ends_with(s)) && !NO_PATRONYMIC.contains(&stem) {
            return cases << FEMALE;
        }
    }
    const MEN: [(&str, Cases); 5] =
        [("", NOM), ("а", GEN | ACC), ("у", DAT), ("ем", INS), ("е", PREP)];
    for (ending, cases) in MEN {
        let Some(stem) = word.strip_suffix(ending) else { continue };
        let own =
            ["ович", "евич", "еич", "аич", "ильич", "кузьмич", "фомич", "лукич", "китич", "саввич"];
        let familiar = stem.ends_with("ныч") || stem.ends_with("лыч") || stem.ends_with("рыч");
        if own.iter().any(|s| stem.ends_with(s)) || familiar {
            return cases;
        }
    }
    0
}

/// Forms of a first name with their cases.
fn first_name_forms(name: &str, woman: bool) -> Vec<(String, Cases)> {
    let shift = if woman { FEMALE } else { 0 };
    let last = name.chars().next_back().unwrap_or('а');
    let stem = &name[..name.len() - last.len_utf8()];
    let hard = stem.ends_with(['г', 'к', 'х', 'ж', 'ш', 'ч', 'щ']);
    let hiss = stem.ends_with(['ж', 'ш', 'ч', 'щ', 'ц']);
    let forms: Vec<(&str, Cases)> = match last {
        'а' => vec![
            ("а", NOM),
            (if hard { "и" } else { "ы" }, GEN),
            ("е", DAT | PREP),
            ("у", ACC),
            (if hiss { "ей" } else { "ой" }, INS),
        ],
        'я' if stem.ends_with('и') => {
            vec![("я", NOM), ("и", GEN | DAT | PREP), ("ю", ACC), ("ей", INS)]
        }
        'я' => vec![("я", NOM), ("и", GEN), ("е", DAT | PREP), ("ю", ACC), ("ей", INS)],
        'ь' if woman => vec![("ь", NOM | ACC), ("и", GEN | DAT | PREP), ("ью", INS)],
        'ь' => vec![("ь", NOM), ("я", GEN | ACC), ("ю", DAT), ("ем", INS), ("е", PREP)],
        'й' => {
            let prep = if stem.ends_with('и') { "и" } else { "е" };
            vec![("й", NOM), ("я", GEN | ACC), ("ю", DAT), ("ем", INS), (prep, PREP)]
        }
        'о' | 'и' | 'у' | 'э' | 'ы' | 'е' | 'ю' => vec![("", 0x3f)],
        _ if woman => vec![("", 0x3f)],
        _ => return consonant_forms(name),
    };
    if forms.len() == 1 {
        return vec![(name.to_owned(), forms[0].1 << shift)];
    }
    forms.into_iter().map(|(end, cases)| (format!("{stem}{end}"), cases << shift)).collect()
}

/// Forms of a man's name that ends in a consonant: Иван, Павел, Лев.
fn consonant_forms(name: &str) -> Vec<(String, Cases)> {
    let stem = match name {
        "павел" => "павл",
        "лев" => "льв",
        _ => name,
    };
    NOUN_FORMS
        .into_iter()
        .map(|(end, cases)| {
            let stem = if end.is_empty() { name } else { stem };
            (format!("{stem}{end}"), cases)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_ending_of_a_surname_is_dismissed_unread() {
        let stems = ["ов", "ев", "ин", "ын", "ск", "цк", "ук", "юк", "ян", "жап", "он"];
        let endings = OWN_FORMS.iter().map(|form| form.0);
        let endings = endings.chain(ADJECTIVE_FORMS.iter().map(|form| form.0));
        for ending in endings.chain(NOUN_FORMS.iter().map(|form| form.0)) {
            for stem in stems {
                assert!(may_be_surname(&format!("выдум{stem}{ending}")), "{stem}{ending}");
            }
        }
        for whole in ["енко", "швили", "адзе", "идзе", "ко", "ых", "их", "янц"]
        {
            assert!(may_be_surname(&format!("выдум{whole}")), "{whole}");
        }
        assert!(!may_be_surname("вода") && !may_be_surname(""));
    }
}
