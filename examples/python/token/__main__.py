"""Signs and verifies a JSON web token with a fresh secret (python3-jwt)."""

import secrets
import time

import jwt


def main(args):
    secret = secrets.token_bytes(32)
    claims = {"sub": args.get("subject", "guest"), "exp": int(time.time()) + 3600}
    token = jwt.encode(claims, secret, algorithm="HS256")
    return {"token": token, "subject": jwt.decode(token, secret, algorithms=["HS256"])["sub"]}
