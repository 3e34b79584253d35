#!/bin/sh
# What the token endpoint of the gate needs at Keycloak 26.7 or newer, on top of what the README says. Log in first:
#   kcadm.sh config credentials --server "$KC" --realm master --user admin
#
#   REALM=lake docs/keycloak-gate-tokens.sh client            the second client, and its secret (gate_tokens.client)
#   REALM=lake docs/keycloak-gate-tokens.sh engine CLIENT     an engine's own account, and its id (services.NAME.who.sub)
#   REALM=lake docs/keycloak-gate-tokens.sh login CLIENT      what people log in with: engines may renew their tokens
#   REALM=lake docs/keycloak-gate-tokens.sh issuer URL JWKS   the gate as an issuer of assertions (gate_tokens.assertion)
#   REALM=lake docs/keycloak-gate-tokens.sh link USER...      one of these users may be spoken for by an engine
#   REALM=lake docs/keycloak-gate-tokens.sh unlink USER...    may no longer be
#
# The last three only for engines that speak for people (services.NAME.speaks_for). A user without a link can never be
# spoken for, whatever the gate is configured to; so link people, and no administrators, and no service accounts.
set -eu
: "${REALM:?the realm}" "${GATE:=icegate}" "${TOKENS:=icegate-tokens}" "${ALIAS:=gate}"

client_id() { # CLIENT: Keycloak's own id of it
    found=$(kcadm.sh get clients -r "$REALM" -q clientId="$1" --fields id --format csv --noquotes)
    [ -n "$found" ] || { echo "no client $1 in $REALM" >&2; exit 1; }
    echo "$found"
}

user_id() { # USER: Keycloak's own id of it
    found=$(kcadm.sh get users -r "$REALM" -q username="$1" -q exact=true --fields id --format csv --noquotes)
    [ -n "$found" ] || { echo "no user $1 in $REALM" >&2; exit 1; }
    echo "$found"
}

mapper() { # AUDIENCE: what puts it into a client's tokens
    cat <<EOF
{"name": "audience-$1", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
 "config": {"included.client.audience": "$1", "access.token.claim": "true"}}
EOF
}

add_audiences() { # ID: the client's tokens are good at the gate, and may be renewed there
    there=$(kcadm.sh get "clients/$1/protocol-mappers/models" -r "$REALM" --fields name)
    lacking=
    for name in "$GATE" "$TOKENS"; do
        case $there in *"\"audience-$name\""*) ;; *) lacking="$lacking${lacking:+,}$(mapper "$name")" ;; esac
    done
    [ -z "$lacking" ] || kcadm.sh create "clients/$1/protocol-mappers/add-models" -r "$REALM" -b "[$lacking]"
}

what=${1:-}
[ $# -eq 0 ] || shift
case $what in
client)
    # Its tokens are for the gate, and it may renew them; they are for no catalog, and must never be.
    id=$(kcadm.sh create clients -r "$REALM" -i -f - <<EOF
{"clientId": "$TOKENS", "publicClient": false, "standardFlowEnabled": false, "fullScopeAllowed": false,
 "attributes": {"standard.token.exchange.enabled": "true", "access.token.lifespan": "600"},
 "protocolMappers": [$(mapper "$GATE"), $(mapper "$TOKENS")]}
EOF
    )
    kcadm.sh get "clients/$id/client-secret" -r "$REALM" --fields value --format csv --noquotes
    ;;
engine)
    id=$(client_id "${1:?the client of the engine}")
    kcadm.sh update "clients/$id" -r "$REALM" -s serviceAccountsEnabled=true
    add_audiences "$id"
    kcadm.sh get "clients/$id/service-account-user" -r "$REALM" --fields id --format csv --noquotes
    ;;
login)
    add_audiences "$(client_id "${1:?the client}")"
    ;;
issuer)
    kcadm.sh create identity-provider/instances -r "$REALM" -f - <<EOF
{"alias": "$ALIAS", "providerId": "jwt-authorization-grant", "enabled": true, "hideOnLogin": true,
 "config": {"issuer": "${1:?gate_tokens.assertion.issuer}", "useJwksUrl": "true", "jwksUrl": "${2:?jwks_path at the gate}",
            "jwtAuthorizationGrantEnabled": "true", "jwtAuthorizationGrantAssertionSignatureAlg": "ES256"}}
EOF
    kcadm.sh update "clients/$(client_id "$TOKENS")" -r "$REALM" -s 'attributes."oauth2.jwt.authorization.grant.enabled"=true' \
        -s "attributes.\"oauth2.jwt.authorization.grant.idp\"=$ALIAS"
    ;;
link)
    for user in "$@"; do
        case $user in service-account-*) echo "$user is a program, and is not spoken for" >&2; exit 1 ;; esac
        kcadm.sh create "users/$(user_id "$user")/federated-identity/$ALIAS" -r "$REALM" -s identityProvider="$ALIAS" \
            -s userId="$user" -s userName="$user"
    done
    ;;
unlink)
    for user in "$@"; do
        kcadm.sh delete "users/$(user_id "$user")/federated-identity/$ALIAS" -r "$REALM"
    done
    ;;
*)
    sed -n '2,/^set/s/^#\( \|$\)//p' "$0" >&2
    exit 2
    ;;
esac
