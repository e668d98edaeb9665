package sandbox

import (
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// claimNames maps a token's long property names to the claims that carry them (A5).
var claimNames = map[string]string{
	"room_name": "r", "nbf": "nbf", "exp": "exp", "is_owner": "o", "user_name": "u", "user_id": "ud",
	"eject_at_token_exp": "ejt", "eject_after_elapsed": "eje", "enable_screenshare": "ss", "start_video_off": "vo",
	"start_audio_off": "ao", "enable_recording": "er", "enable_recording_ui": "erui", "enable_prejoin_ui": "epui",
	"enable_live_captions_ui": "elcui", "enable_terse_logging": "etl", "start_cloud_recording": "sr",
	"start_cloud_recording_opts": "sro", "auto_start_transcription": "ast", "close_tab_on_exit": "ctoe",
	"redirect_on_meeting_exit": "rome", "lang": "uil", "permissions": "p",
}

// tokenGrant is the content of a token.
type tokenGrant struct {
	owner            bool
	userName, userID string
	ejects           bool // the token has an eject setting
	ejectAt          time.Time
	ejectAfter       int64
	record           bool   // start_cloud_recording
	recording        string // enable_recording
}

func dailyCreateToken(c *call) answer {
	p := table(c.in, "properties")
	if err := futureExp(p, c.at); err != nil {
		return dailyInvalid("%s", err)
	}
	claims := jwt.MapClaims{"d": domainID, "iat": c.at.Unix()}
	for name, v := range p {
		claims[claimNames[name]] = v
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(c.w.opt.DailyKey))
	if err != nil {
		return dailyError(500, "server-error", err.Error())
	}
	return ok(map[string]any{"token": token})
}

// readToken verifies a token's signature and times.
func (w *World) readToken(token string, at time.Time, ignoreNbf bool) (jwt.MapClaims, error) {
	claims := jwt.MapClaims{}
	_, err := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithoutClaimsValidation()).
		ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return []byte(w.opt.DailyKey), nil })
	if err != nil {
		return nil, fmt.Errorf("invalid token: %w", err)
	}
	if d, _ := claims["d"].(string); d != domainID {
		return nil, fmt.Errorf("invalid token: it is of another domain")
	}
	if exp, err := claims.GetExpirationTime(); err != nil || exp != nil && !at.Before(exp.Time) {
		return nil, fmt.Errorf("invalid token: expired")
	}
	if nbf, err := claims.GetNotBefore(); err != nil || !ignoreNbf && nbf != nil && at.Before(nbf.Time) {
		return nil, fmt.Errorf("invalid token: not valid yet")
	}
	return claims, nil
}

func dailyGetToken(c *call) answer {
	claims, err := c.w.readToken(c.params[0], c.at, c.query.Get("ignoreNbf") == "true")
	if err != nil {
		return dailyInvalid("%s", err)
	}
	out := map[string]any{}
	for long, short := range claimNames {
		if v, there := claims[short]; there {
			out[long] = v
		}
	}
	return ok(out)
}

// redeem checks a token against a room.
func (w *World) redeem(token string, r *room, at time.Time) (tokenGrant, error) {
	claims, err := w.readToken(token, at, false)
	if err != nil {
		return tokenGrant{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	m := map[string]any(claims)
	if name, limited := m["r"].(string); limited && name != r.name {
		return tokenGrant{}, ErrToken
	}
	g := tokenGrant{
		owner: truth(m, "o"), userName: text(m, "u"), userID: text(m, "ud"), record: truth(m, "sr"), recording: text(m, "er"),
	}
	if n, there := m["eje"].(float64); there {
		g.ejects, g.ejectAfter = true, int64(n)
	}
	if truth(m, "ejt") {
		g.ejects = true
		if exp, err := claims.GetExpirationTime(); err == nil && exp != nil {
			g.ejectAt = exp.Time
		}
	}
	return g, nil
}
