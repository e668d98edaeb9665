package sandbox

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"greenroom/provider"
)

// wherebyRoom holds the properties that only Whereby's rooms have.
type wherebyRoom struct {
	endDate    time.Time
	viewerMode bool
	hostKey    string
	recording  wherebyRecordingSpec
}

type wherebyRecordingSpec struct {
	kind, provider, trigger, format string
}

// wherebyLinger is how long a room exists beyond its endDate (B2).
const wherebyLinger = time.Hour

func wherebyMeetingBody() schema {
	triggers := []string{"none", "prompt", "automatic", "automatic-2nd-participant"}
	destination := schema{
		"provider":           {shape: isChoice, required: true, choices: []string{"s3", "whereby"}},
		"authenticationType": {shape: isChoice, choices: []string{"accessKey", "roleBased"}},
		"bucket":             {shape: isText, least: 1, most: 255},
		"accessKeyId":        {shape: isText, least: 1, most: 255},
		"accessKeySecret":    {shape: isText, least: 1, most: 255},
		"fileFormat":         {shape: isChoice, choices: []string{"mkv", "mp4"}},
		"oidcRoleArn":        {shape: isText, least: 1, most: 2048},
	}
	transcripts := schema{
		"provider":           {shape: isChoice, required: true, choices: []string{"s3", "whereby"}},
		"authenticationType": {shape: isChoice, choices: []string{"accessKey", "roleBased"}},
		"bucket":             {shape: isText}, "accessKeyId": {shape: isText}, "accessKeySecret": {shape: isText},
		"region": {shape: isText}, "oidcRoleArn": {shape: isText},
	}
	return schema{
		"endDate":         {shape: isText, required: true},
		"startDate":       {shape: isText},
		"isLocked":        {shape: isBool},
		"roomMode":        {shape: isChoice, choices: []string{"normal", "group"}},
		"roomNamePrefix":  {shape: isText, most: 39},
		"roomNamePattern": {shape: isChoice, choices: []string{"uuid", "human-short"}},
		"templateType":    {shape: isChoice, choices: []string{"viewerMode"}},
		"fields":          {shape: isChoices, choices: []string{"hostRoomUrl", "viewerRoomUrl"}},
		"recording": {shape: isTable, fields: schema{
			"type":         {shape: isChoice, required: true, choices: []string{"none", "local", "cloud"}},
			"destination":  {shape: isTable, fields: destination},
			"startTrigger": {shape: isChoice, required: true, choices: triggers},
		}},
		"liveTranscription": {shape: isTable, fields: schema{
			"destination":  {shape: isTable, fields: transcripts},
			"startTrigger": {shape: isChoice, choices: []string{"none", "manual", "automatic", "automatic-2nd-participant"}},
			"language":     {shape: isText}, "liveCaptions": {shape: isBool},
		}},
		"streaming": {shape: isTable, fields: schema{
			"destination":  {shape: isTable, fields: schema{"url": {shape: isText, required: true}}},
			"startTrigger": {shape: isText},
		}},
	}
}

// wherebyDate reads a date-time; without an offset it is UTC (B2).
func wherebyDate(s string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t, nil
	}
	t, err := time.Parse("2006-01-02T15:04:05.999999999", s)
	if err != nil {
		return time.Time{}, fmt.Errorf("'%s' is not a date-time", s)
	}
	return t, nil
}

// checkDestination checks the recording's destination beyond types.
func checkDestination(rec map[string]any) error {
	d := table(rec, "destination")
	if text(rec, "type") != "cloud" {
		return nil
	}
	if d == nil {
		return fmt.Errorf("recording.destination is required")
	}
	if text(d, "provider") != "s3" {
		return nil
	}
	need := []string{"bucket", "accessKeyId", "accessKeySecret"}
	if text(d, "authenticationType") == "roleBased" {
		need = []string{"bucket", "oidcRoleArn"}
	}
	for _, name := range need {
		if text(d, name) == "" {
			return fmt.Errorf("recording.destination.%s is required", name)
		}
	}
	return nil
}

var wherebyPrefix = regexp.MustCompile(`^[a-z0-9_-]*$`)

func wherebyCreate(c *call) answer {
	end, err := wherebyDate(text(c.in, "endDate"))
	if err != nil {
		return wherebyError(400, "endDate: "+err.Error())
	}
	if end.Before(c.at) {
		return wherebyError(400, "endDate must not be in the past")
	}
	if most := c.w.opt.WherebyAhead; most > 0 && end.After(c.at.Add(most)) {
		return wherebyError(400, "endDate is too far ahead")
	}
	if err := checkDestination(table(c.in, "recording")); err != nil {
		return wherebyError(400, err.Error())
	}
	prefix := strings.ToLower(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text(c.in, "roomNamePrefix")))
	if !wherebyPrefix.MatchString(prefix) {
		return wherebyError(400, "roomNamePrefix contains invalid characters")
	}
	r := c.w.newWherebyRoom(prefix, c.in, end)
	c.w.add(r, c.at)
	c.w.at(r.end, func(at time.Time) {
		c.w.empty(r, "room closed", at)
		if !r.deleted {
			c.w.remove(r)
		}
	})
	return answer{status: 201, body: c.wherebyMeeting(r, texts(c.in, "fields"))}
}

func (w *World) newWherebyRoom(prefix string, body map[string]any, end time.Time) *room {
	name := prefix + w.uuid()
	if text(body, "roomNamePattern") == "human-short" {
		name = prefix + "room-" + w.word(6, lowerHex)
	}
	id := "8" + w.word(7, digits)
	for slices.ContainsFunc(w.of(provider.Whereby), func(o *room) bool { return o.id == id }) {
		id = "8" + w.word(7, digits)
	}
	r := &room{
		roomKey: roomKey{provider.Whereby, name}, id: id, locked: truth(body, "isLocked"), end: end.Add(wherebyLinger),
	}
	rec := table(body, "recording")
	r.whereby = wherebyRoom{endDate: end, viewerMode: text(body, "templateType") == "viewerMode", hostKey: w.word(48, alphanumeric)}
	r.whereby.recording = wherebyRecordingSpec{
		kind: text(rec, "type"), trigger: text(rec, "startTrigger"),
		provider: text(table(rec, "destination"), "provider"), format: text(table(rec, "destination"), "fileFormat"),
	}
	r.locked = r.locked || r.whereby.viewerMode
	r.size = 4
	if r.whereby.viewerMode || text(body, "roomMode") == "group" {
		r.size = 200
	}
	return r
}

// wherebyMeeting returns the meeting object; URLs with keys only on request (B2).
func (c *call) wherebyMeeting(r *room, fields []string) map[string]any {
	link := c.base + "/join/whereby/" + r.name
	m := map[string]any{
		"meetingId": r.id, "roomName": "/" + r.name, "roomUrl": link,
		"startDate": iso(r.createdAt), "endDate": iso(r.whereby.endDate),
	}
	if slices.Contains(fields, "hostRoomUrl") || r.whereby.viewerMode {
		m["hostRoomUrl"] = link + "?roomKey=" + r.whereby.hostKey
	}
	if slices.Contains(fields, "viewerRoomUrl") || r.whereby.viewerMode {
		m["viewerRoomUrl"] = link + "?viewer"
	}
	return m
}

// wherebyFields parses fields from the query: repeated or separated by commas.
func wherebyFields(c *call) ([]string, *answer) {
	var fields []string
	for _, v := range c.query["fields"] {
		fields = append(fields, strings.Split(v, ",")...)
	}
	for _, f := range fields {
		if f != "hostRoomUrl" && f != "viewerRoomUrl" {
			return nil, wherebyError(400, "unknown field").refusal()
		}
	}
	return fields, nil
}

// wherebyRoom finds the meeting that the path names.
func (c *call) wherebyRoom() (*room, bool) {
	return first(c.w.of(provider.Whereby), func(r *room) bool { return r.id == c.params[0] })
}

func wherebyGet(c *call) answer {
	fields, refused := wherebyFields(c)
	if refused != nil {
		return *refused
	}
	r, there := c.wherebyRoom()
	if !there {
		return wherebyMissing(c)
	}
	return ok(c.wherebyMeeting(r, fields))
}

func wherebyList(c *call) answer {
	fields, refused := wherebyFields(c)
	if refused != nil {
		return *refused
	}
	rooms := c.w.of(provider.Whereby)
	if p := c.query.Get("roomName[startsWith]"); p != "" {
		rooms = slices.DeleteFunc(rooms, func(r *room) bool { return !strings.HasPrefix("/"+r.name, p) })
	}
	return wherebyPage(c, rooms, 50, func(r *room) any { return c.wherebyMeeting(r, fields) })
}

// wherebyDelete is idempotent. People inside are removed.
func wherebyDelete(c *call) answer {
	if r, there := c.wherebyRoom(); there {
		c.w.empty(r, "room closed", c.at)
		c.w.remove(r)
	}
	return answer{status: 204}
}
