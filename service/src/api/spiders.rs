//! The messages about spiders.

use spiderq_proto::{FieldMask, v1};

use super::{
    Call, decode, encode,
    fields::Fields,
    paging::{self, PageTokens},
    project_service::number,
    summarize::spider_id,
};
use crate::domain::{Spider, SpiderRef, SpiderUpdate};
use spiderq_core::{
    Reservation,
    error::{Error, Result},
    limits::{MAX_NUMBER, MAX_ROWS, MAX_RUNNING_SETTING},
    model::{ProjectId, SpiderId, SpiderName, TagChanges},
};

pub(super) fn encode(project: ProjectId, spider: Spider) -> v1::Spider {
    let tags = spider.tags.iter().map(|tag| tag.as_str().to_owned());
    v1::Spider {
        project: number(project),
        id: encode::count(spider.id.get()),
        tags: tags.collect(),
        r#type: encode::spider_type(&spider.name).into(),
        version: spider.version.unwrap_or_default(),
        name: spider.name.to_string(),
        max_running: spider.max_running.map(|most| most.try_into().unwrap_or(i32::MAX)),
        project_name: spider.project_name,
    }
}

/// A page of spiders, or the spider with the name that is asked for.
pub(super) async fn list(
    call: &Call,
    message: v1::ListSpidersRequest,
) -> Result<(v1::ListSpidersResponse, Reservation)> {
    let tokens = PageTokens::of(
        "ListSpiders",
        &v1::ListSpidersRequest { page_size: 0, page_token: String::new(), ..message.clone() },
    );
    let Page { project, name, size, after } = page(&message, &tokens)?;
    let mut memory = call.domain.memory_of(&call.caller);
    if let Some(name) = name {
        let mut one = list_one(call, project, name).await?;
        one.total_size = if message.with_total_size { one.spiders.len() as i64 } else { 0 };
        return Ok((one, memory));
    }
    // One more than asked for shows whether there is a next page.
    let listed = call.domain.list_spiders(&call.caller, project, after, size + 1, &mut memory);
    let mut spiders = listed.await?;
    let total = match message.with_total_size {
        true => call.domain.count_spiders(&call.caller, project).await?,
        false => 0,
    };
    let more = spiders.len() > size;
    spiders.truncate(size);
    let last = spiders.last().filter(|_| more);
    let token = last.map(|spider| tokens.token(format_args!("{:x}", spider.id.get())));
    let response = v1::ListSpidersResponse {
        next_page_token: token.unwrap_or_default(),
        spiders: spiders.into_iter().map(|spider| encode(project, spider)).collect(),
        total_size: encode::count(total),
    };
    Ok((response, memory))
}

async fn list_one(
    call: &Call,
    project: ProjectId,
    name: SpiderName,
) -> Result<v1::ListSpidersResponse> {
    let named = SpiderRef::Name(name);
    match call.domain.get_spider(&call.caller, project, named, false).await {
        Ok(found) => Ok(v1::ListSpidersResponse {
            spiders: vec![encode(project, found)],
            ..v1::ListSpidersResponse::default()
        }),
        Err(Error::NotFound { .. }) => Ok(v1::ListSpidersResponse::default()),
        Err(error) => Err(error),
    }
}

struct Page {
    project: ProjectId,
    name: Option<SpiderName>,
    size: usize,
    after: Option<SpiderId>,
}

fn page(message: &v1::ListSpidersRequest, tokens: &PageTokens) -> Result<Page> {
    let mut fields = Fields::default();
    let project = fields.field("project", decode::project(message.project, None));
    let name = decode::some(message.name.clone()).map(|name| SpiderName::parse(&name)).transpose();
    let name = fields.field("name", name.map_err(|error| error.with_field("name")));
    let size = fields.field("page_size", paging::page_size(message.page_size, MAX_ROWS, MAX_ROWS));
    let cursor = tokens.cursor(&message.page_token, |text| spider_id(paging::number(text)?));
    let cursor = fields.field("page_token", cursor);
    let skip = fields.field("skip", decode::not_negative("skip", message.skip));
    let (Some(project), Some(name), Some(size), Some(cursor), Some(skip)) =
        (project, name, size, cursor, skip)
    else {
        return Err(fields.into_error());
    };
    // Spiders are numbered from 1 without a gap, so that those to skip end at that number.
    let skipped = if skip == 0 { None } else { spider_id(skip.min(MAX_NUMBER)) };
    Ok(Page { project, name, size, after: cursor.or(skipped) })
}

pub(super) fn named(project: i64, spider: Option<v1::SpiderRef>) -> Result<(ProjectId, SpiderRef)> {
    let mut fields = Fields::default();
    let project = fields.field("project", decode::project(project, None));
    let spider = fields.within("spider", decode::spider_ref(spider, "spider"));
    let (Some(project), Some(spider)) = (project, spider) else { return Err(fields.into_error()) };
    Ok((project, spider))
}

pub(super) fn by_name(message: &v1::EnsureSpiderRequest) -> Result<(ProjectId, SpiderRef)> {
    let mut fields = Fields::default();
    let project = fields.field("project", decode::project(message.project, None));
    let name = SpiderName::parse(&message.name).map_err(|error| error.with_field("name"));
    let name = fields.field("name", name);
    let (Some(project), Some(name)) = (project, name) else { return Err(fields.into_error()) };
    Ok((project, SpiderRef::Name(name)))
}

pub(super) fn update(
    message: v1::UpdateSpiderRequest,
) -> Result<(ProjectId, SpiderRef, SpiderUpdate)> {
    let mut fields = Fields::default();
    let named = fields.part(named(message.project, message.spider));
    let mask = fields.field("update_mask", Mask::of(message.update_mask, message.values.as_ref()));
    let changes = message.tag_changes.map(|changes| decode::tag_changes(Some(changes)));
    let changes = fields.within("tag_changes", changes.transpose());
    let values = message.values.unwrap_or_default();
    let tags = fields.within("values.tags", decode::job_tags(&values.tags, "tags"));
    let max_running = fields.field("values.max_running", max_running(values.max_running));
    let (Some((project, spider)), Some(mask), Some(changes), Some(tags), Some(max_running)) =
        (named, mask, changes, tags, max_running)
    else {
        return Err(fields.into_error());
    };
    if mask.tags && changes.is_some() {
        let accepted = "must not stand beside tags in the update_mask";
        return Err(Error::invalid("tag_changes", accepted));
    }
    let replaced = || TagChanges { clear: true, remove: Vec::new(), add: tags };
    let update = SpiderUpdate {
        tags: if mask.tags { Some(replaced()) } else { changes },
        max_running: mask.max_running.then_some(max_running),
    };
    Ok((project, spider, update))
}

fn max_running(number: Option<i32>) -> Result<Option<u32>> {
    let bad = || Error::invalid("max_running", format!("must be from 0 to {MAX_RUNNING_SETTING}"));
    let allowed = |number: u32| u64::from(number) <= MAX_RUNNING_SETTING;
    let decode = |number| u32::try_from(number).ok().filter(|number| allowed(*number));
    number.map(|number| decode(number).ok_or_else(bad)).transpose()
}

/// Which fields of a spider an update is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mask {
    tags: bool,
    max_running: bool,
}

impl Mask {
    /// Without a mask, or with an empty one: the fields that have a value.
    fn of(mask: Option<FieldMask>, values: Option<&v1::Spider>) -> Result<Self> {
        let paths = mask.unwrap_or_default().paths;
        if paths.is_empty() {
            return Ok(values.map_or_else(Self::default, |values| Self {
                tags: !values.tags.is_empty(),
                max_running: values.max_running.is_some(),
            }));
        }
        let mut mask = Self::default();
        for path in paths {
            match path.as_str() {
                "tags" => mask.tags = true,
                "max_running" => mask.max_running = true,
                "*" => mask = Self { tags: true, max_running: true },
                _ => {
                    let accepted = "may only have tags and max_running";
                    return Err(Error::invalid("update_mask", accepted));
                }
            }
        }
        Ok(mask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(mask: Option<&[&str]>, tags: &[&str], most: Option<i32>) -> v1::UpdateSpiderRequest {
        let paths = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect();
        let spider = v1::spider_ref::Spider::Id(7);
        v1::UpdateSpiderRequest {
            project: 53,
            spider: Some(v1::SpiderRef { spider: Some(spider) }),
            values: Some(v1::Spider {
                tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
                max_running: most,
                ..v1::Spider::default()
            }),
            update_mask: mask.map(|mask| FieldMask { paths: paths(mask) }),
            tag_changes: None,
        }
    }

    fn decoded(request: v1::UpdateSpiderRequest) -> (Option<(bool, usize)>, Option<Option<u32>>) {
        let (_, _, update) = update(request).unwrap();
        (update.tags.map(|tags| (tags.clear, tags.add.len())), update.max_running)
    }

    #[test]
    fn a_field_in_the_mask_without_a_value_is_emptied_and_others_stay() {
        let both: &[&str] = &["tags", "max_running"];
        let all: &[&str] = &["*"];
        for (mask, tags, most, expected) in [
            (Some(both), &["a"][..], Some(3), (Some((true, 1)), Some(Some(3)))),
            (Some(both), &[][..], None, (Some((true, 0)), Some(None))),
            (Some(all), &[][..], None, (Some((true, 0)), Some(None))),
            (Some(&both[1..]), &["a"][..], Some(3), (None, Some(Some(3)))),
            (None, &["a"][..], None, (Some((true, 1)), None)),
            (None, &[][..], Some(0), (None, Some(Some(0)))),
            (Some(&[][..]), &["a"][..], Some(3), (Some((true, 1)), Some(Some(3)))),
        ] {
            assert_eq!(decoded(request(mask, tags, most)), expected, "{mask:?} {tags:?} {most:?}");
        }
    }

    #[test]
    fn wrong_fields_of_an_update_are_named() {
        let mut wrong = request(Some(&["name"]), &["a", ""], Some(1_000_001));
        wrong.project = 0;
        let violations = update(wrong).unwrap_err().violations();
        let paths: Vec<&str> = violations.iter().map(|one| one.path.as_str()).collect();
        let expected = ["project", "update_mask", "values.tags[1]", "values.max_running"];
        assert_eq!(paths, expected);
        let mut both = request(Some(&["tags"]), &["a"], None);
        both.tag_changes = Some(v1::TagChanges::default());
        let refused = update(both).unwrap_err().to_string();
        assert_eq!(refused, "tag_changes: must not stand beside tags in the update_mask");
    }
}
