package sandbox

import (
	"fmt"
	"maps"
	"net/url"
	"strings"
	"time"
)

// The properties of rooms and tokens that Daily documents (A2, A5), with the defaults that a sparse config leaves out.

var (
	dailyRecordingModes = []string{"cloud", "cloud-audio-only", "local", "raw-tracks"}
	dailyLangs          = []string{
		"da", "de", "en", "es", "fi", "fr", "it", "jp", "ka", "nl", "no", "pt", "pt-BR", "pl", "ru", "sv", "tr", "user",
	}
	dailyGeos = []string{
		"af-south-1", "ap-northeast-2", "ap-southeast-1", "ap-southeast-2", "ap-south-1", "eu-central-1", "eu-west-2",
		"sa-east-1", "us-east-1", "us-west-2",
	}
)

func flag(def bool) property { return property{shape: isBool, def: def} }
func optBool() property      { return property{shape: isBool} }
func unixTime() property     { return property{shape: isInt, least: 1} }

func dailyBucket() property {
	return property{shape: isTable, fields: schema{
		"bucket_name":                 {shape: isText, required: true, least: 1, most: 255},
		"bucket_region":               {shape: isText, required: true, least: 1, most: 64},
		"assume_role_arn":             {shape: isText, required: true, least: 1, most: 2048},
		"allow_api_access":            optBool(),
		"allow_streaming_from_bucket": optBool(),
	}}
}

func dailyRoomProperties() schema {
	s := schema{
		"nbf": unixTime(), "exp": unixTime(),
		"eject_at_room_exp":           flag(false),
		"eject_after_elapsed":         {shape: isInt, least: 1},
		"max_participants":            {shape: isInt, least: 1, most: 100000, def: int64(200)},
		"enable_recording":            {shape: isChoice, choices: dailyRecordingModes, resets: true},
		"recordings_bucket":           dailyBucket(),
		"recordings_template":         {shape: isText, least: 1, most: 1024},
		"transcription_bucket":        dailyBucket(),
		"auto_transcription_settings": {shape: isObject},
		"permissions":                 {shape: isObject},
		"geo":                         {shape: isChoice, choices: dailyGeos},
		"rtmp_geo":                    {shape: isChoice, choices: []string{"us-west-2", "eu-central-1", "ap-south-1"}},
		"lang":                        {shape: isChoice, choices: dailyLangs},
		"meeting_join_hook":           {shape: isText, least: 1, most: 255},
		"enable_screenshare":          flag(true),
		"enable_video_processing_ui":  flag(true),
	}
	for _, name := range []string{
		"enable_chat", "enable_advanced_chat", "start_video_off", "start_audio_off", "owner_only_broadcast",
		"enforce_unique_user_ids", "enable_hidden_participants",
	} {
		s[name] = flag(false)
	}
	for _, name := range []string{
		"enable_knocking", "enable_prejoin_ui", "enable_people_ui", "enable_pip_ui", "enable_network_ui",
		"enable_emoji_reactions", "enable_hand_raising", "enable_noise_cancellation_ui", "enable_live_captions_ui",
		"enable_breakout_rooms", "enable_transcription_storage",
	} {
		s[name] = optBool()
	}
	return s
}

func dailyRoomBody(named bool) schema {
	s := schema{
		"privacy":    {shape: isChoice, choices: []string{"public", "private"}},
		"properties": {shape: isTable, fields: dailyRoomProperties()},
	}
	if named {
		s["name"] = property{shape: isText}
	}
	return s
}

func dailyTokenBody() schema {
	properties := schema{}
	for name := range claimNames {
		properties[name] = optBool()
	}
	maps.Copy(properties, schema{
		"room_name": {shape: isText, least: 1, most: 128},
		"nbf":       unixTime(), "exp": unixTime(),
		"user_name":                  {shape: isText},
		"user_id":                    {shape: isText, most: 36},
		"eject_after_elapsed":        {shape: isInt, least: 1},
		"enable_recording":           {shape: isChoice, choices: dailyRecordingModes},
		"start_cloud_recording_opts": {shape: isObject},
		"redirect_on_meeting_exit":   {shape: isText},
		"lang":                       {shape: isChoice, choices: dailyLangs},
		"permissions":                {shape: isObject},
	})
	return schema{"properties": {shape: isTable, required: true, fields: properties}}
}

// futureExp refuses an exp that is over (A1).
func futureExp(properties map[string]any, at time.Time) error {
	exp, given := properties["exp"].(int64)
	if given && exp <= at.Unix() {
		return fmt.Errorf("exp was '%d', which is in the past rather than in the future", exp)
	}
	return nil
}

// checkRoomProperties checks the rules that a type cannot express.
func checkRoomProperties(properties map[string]any, at time.Time) error {
	if err := futureExp(properties, at); err != nil {
		return err
	}
	if t, given := properties["recordings_template"].(string); given && !strings.Contains(t, "{epoch_time}") {
		return fmt.Errorf("property 'properties.recordings_template' must contain {epoch_time}")
	}
	if hook, given := properties["meeting_join_hook"].(string); given {
		if u, err := url.Parse(hook); err != nil || u.Host == "" {
			return fmt.Errorf("property 'properties.meeting_join_hook' must be a URL")
		}
	}
	return nil
}
